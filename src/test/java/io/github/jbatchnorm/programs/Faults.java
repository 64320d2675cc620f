package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryLimitException;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Programs in which something goes wrong outside of the library, for a JVM of their own. */
final class Faults {
  private static final int MB = 1 << 20;

  private Faults() {}

  public static void main(String[] args) throws InterruptedException {
    switch (args[0]) {
      case "heap" -> fullHeap();
      case "threads" -> dyingThreads();
      case "interrupts" -> interrupts();
      case "race" -> race();
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static List<Program> programs() {
    SplittableRandom random = new SplittableRandom(8);
    List<Program> programs = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      programs.add(ProgramBits.program(random));
    }
    return programs;
  }

  private static int[] hashes(List<Program> programs) {
    return programs.stream().mapToInt(ProgramBits::hash).toArray();
  }

  /** Runs programs where so little of the heap is left that they fail somewhere, or do not. */
  private static void fullHeap() {
    List<Program> programs = programs();
    int[] expected = hashes(programs);
    int failed = 0;
    for (int round = 0; round < 14; round++) {
      int i = round % programs.size();
      List<byte[]> ballast = fill();
      for (int chunk = 0; chunk < round && !ballast.isEmpty(); chunk++) {
        ballast.remove(ballast.size() - 1);
      }
      try {
        check(ProgramBits.hash(programs.get(i)) == expected[i]);
      } catch (OutOfMemoryError | MemoryLimitException e) {
        failed++;
      }
      ballast.clear();
      check(NoAutodiff.isRecording());
      check(ProgramBits.hash(programs.get(i)) == expected[i]);
    }
    System.out.println("failed=" + failed);
  }

  /** Fills the heap, up to the last few bytes; the smallest parts come last. */
  private static List<byte[]> fill() {
    List<byte[]> all = new ArrayList<>(1 << 17);
    int size = MB;
    while (size >= 1 << 7) {
      try {
        all.add(new byte[size]);
      } catch (OutOfMemoryError e) {
        size >>= 3;
      }
    }
    return all;
  }

  /** Threads end in scopes that they have not closed: what these hold comes back. */
  private static void dyingThreads() throws InterruptedException {
    AtomicInteger died = new AtomicInteger();
    for (int i = 0; i < 100; i++) {
      Thread thread =
          new Thread(
              () -> {
                MemoryScope.open();
                NoAutodiff.scope();
                Tensor.zeros(DType.F32, MB).add(1); // 8 MB of the 64 that there are
                throw new IllegalStateException("dies");
              });
      thread.setUncaughtExceptionHandler(
          (dead, e) -> {
            if (e instanceof IllegalStateException) {
              died.incrementAndGet();
            } else {
              e.printStackTrace();
            }
          });
      thread.start();
      thread.join();
    }
    System.out.println("died=" + died.get());
  }

  /** Threads are interrupted all the time, and compute what they would have. */
  private static void interrupts() throws InterruptedException {
    List<Program> programs = programs();
    int[] expected = hashes(programs);
    AtomicInteger right = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          new Thread(
              () -> {
                for (int round = 0; round < 200; round++) {
                  int at = round % expected.length;
                  if (ProgramBits.hash(programs.get(at)) == expected[at]) {
                    right.incrementAndGet();
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        threads.forEach(Thread::interrupt);
        Thread.onSpinWait();
      }
    }
    System.out.println("right=" + right.get());
  }

  /** Two threads use the same tensors, against the rules, and one of them closes them. */
  private static void race() throws InterruptedException {
    AtomicBoolean ends = new AtomicBoolean();
    AtomicInteger computed = new AtomicInteger();
    Tensor[] shared = {Tensor.zeros(DType.F32, 4, 4, 16, 16)};
    Thread other =
        new Thread(
            () -> {
              while (!ends.get()) {
                try {
                  compute(shared[0]);
                  computed.incrementAndGet();
                } catch (RuntimeException e) {
                  computed.incrementAndGet(); // as good an answer
                }
              }
            });
    other.start();
    for (int i = 0; i < 500 || computed.get() < 50; i++) {
      try (MemoryScope scope = MemoryScope.open()) {
        Tensor x = Tensor.zeros(DType.F32, 4, 4, 16, 16);
        shared[0] = x;
        x.update(storage -> storage.set(0, 1));
        try {
          compute(x);
        } catch (RuntimeException e) {
          check(scope != null);
        }
      }
    }
    ends.set(true);
    other.join();
    System.out.println("computed");
  }

  private static void compute(Tensor x) {
    Tensor y = BatchNormOp.on(x).apply();
    Functions.maxPool(y, 2, 2).reshape(16, -1).matmul(x.reshape(64, 64).slice()).sum().backward();
  }

  private static void check(boolean right) {
    if (!right) {
      throw new AssertionError("not what it was");
    }
  }
}
