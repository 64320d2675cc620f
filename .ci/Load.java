import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.MemoryUse;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Many threads that call kernels and train small networks: each result has the bits of one thread's.
 * Load SECONDS THREADS platform|virtual: a tenth of the time for each of 1, 2, 4 and 8 threads, to
 * find the best throughput, and the rest for so many. Ends in 1 where a bit differs.
 */
public class Load {
  private static final int JOBS = 32;
  private static final int[] EXPECTED = new int[JOBS];
  private static final AtomicLong done = new AtomicLong();
  private static final AtomicLong wrong = new AtomicLong();

  public static void main(String[] args) throws Exception {
    double seconds = Double.parseDouble(args[0]);
    int most = Integer.parseInt(args[1]);
    boolean virtual = args[2].equals("virtual");
    for (int job = 0; job < JOBS; job++) {
      EXPECTED[job] = run(job);
    }
    double best = 0;
    run(2, seconds / 10, false); // the compiler's time
    for (int threads : new int[] {1, 2, 4, 8}) {
      best = Math.max(best, run(threads, seconds / 10, false));
    }
    double rate = run(most, seconds / 2, virtual);
    System.out.printf(
        "%d %s threads: %.2f of the best, %d results, %d wrong%n",
        most, args[2], rate / best, done.get(), wrong.get());
    System.exit(wrong.get() == 0 ? 0 : 1);
  }

  private static double run(int threads, double seconds, boolean virtual) throws Exception {
    long before = done.get();
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int first = i;
      all.add(
          start(
              virtual,
              () -> {
                for (int job = first; System.nanoTime() < end; job++) {
                  if (run(job % JOBS) != EXPECTED[job % JOBS]) {
                    wrong.incrementAndGet();
                  }
                  done.incrementAndGet();
                }
              }));
    }
    long mostThreads = 0;
    long mostMemory = 0;
    for (Thread thread : all) {
      while (thread.isAlive()) {
        mostThreads = Math.max(mostThreads, status("Threads:"));
        mostMemory = Math.max(mostMemory, status("VmRSS:"));
        thread.join(100);
      }
    }
    double rate = (done.get() - before) / ((System.nanoTime() - start) / 1e9);
    System.out.printf(
        "%2d %s threads, %.0f s: %.0f results a second; at most %d threads of the system's, %d MB resident, %d MB held%n",
        threads,
        virtual ? "virtual" : "platform",
        seconds,
        rate,
        mostThreads,
        mostMemory >> 10,
        MemoryUse.now().held() >> 20);
    return rate;
  }

  private static Thread start(boolean virtual, Runnable task) throws Exception {
    if (virtual) {
      Method method = Thread.class.getMethod("startVirtualThread", Runnable.class); // from 21 on
      return (Thread) method.invoke(null, task);
    }
    Thread thread = new Thread(task);
    thread.start();
    return thread;
  }

  private static long status(String field) throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return 0;
  }

  private static int run(int job) {
    try (MemoryScope scope = MemoryScope.open()) {
      return job % 4 == 3 ? training(job) : norm(job);
    }
  }

  private static int norm(int job) {
    int[][] shapes = {{8, 16, 14, 14}, {32, 64}, {4, 8, 7, 7}, {2, 3, 64, 64}, {64, 32, 1, 5}};
    int[] shape = shapes[job % shapes.length];
    float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    SplittableRandom random = new SplittableRandom(job);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor x = Tensor.of(values, shape);
    Layout layout = job % 2 == 0 ? Layout.NCHW : Layout.NHWC;
    Tensor y =
        BatchNormOp.on(x).options(BatchNormOptions.DEFAULT.withLayout(layout).withRelu()).apply();
    y.multiply(y).sum().backward();
    return Arrays.hashCode(y.toFloatArray()) * 31 + Arrays.hashCode(x.grad().toFloatArray());
  }

  private static int training(int job) {
    SplittableRandom random = new SplittableRandom(job);
    Sequential model =
        Sequential.builder()
            .add("conv", Conv.builder(1, 8, 3, 3).build(random))
            .add("norm", new BatchNorm(8, 0.1))
            .add("relu", Tensor::relu)
            .add("pool", x -> Functions.globalAvgPool(x))
            .add("dense", new Dense(8, 4, random))
            .build();
    Adam adam = new Adam(model.parameters(), 0.01);
    float[] images = new float[16 * 64];
    int[] labels = new int[16];
    for (int step = 0; step < 3; step++) {
      for (int i = 0; i < images.length; i++) {
        images[i] = (float) random.nextGaussian();
      }
      Arrays.setAll(labels, i -> random.nextInt(4));
      Tensor x = Tensor.of(images, 16, 1, 8, 8).asConstant();
      Losses.softmaxCrossentropy(model.forward(x, Mode.TRAINING), labels).backward();
      adam.step();
    }
    int hash = 1;
    for (Tensor parameter : model.parameters().values()) {
      hash = 31 * hash + Arrays.hashCode(parameter.toFloatArray());
    }
    return hash;
  }
}
