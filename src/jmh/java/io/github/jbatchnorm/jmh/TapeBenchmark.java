package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.ArrayKernel;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Strided;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the tape and tensors' memory add to an operation: {@code bare} calls do the same work on
 * memory that is there already.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TapeBenchmark {
  private static final int LARGE = 4 << 20; // 16 MB

  private final Tensor small = Tensors.ones(DType.F32, 16);
  private final Tensor large = Tensors.ones(DType.F32, LARGE);
  private final Storage smallOut = Storage.allocate(DType.F32, 16);
  private final Storage largeOut = Storage.allocate(DType.F32, LARGE);
  private final Tensor batch =
      Tensors.normal(DType.F32, new SplittableRandom(1), 0, 1, 32, 16, 14, 14);
  private final Tensor gamma = Tensors.ones(DType.F32, 16);

  private static void bareAdd(Tensor x, Storage y) {
    int[] shape = {x.size()};
    Strided from = Strided.of(x.storage(), 0, 1);
    ArrayKernel kernel = ArrayKernels.current();
    kernel.zip(ArrayFunction.ADD, 0, 0, shape, from, from, Strided.of(y, 0, 1));
  }

  /** 16 elements, no tensor. */
  @Benchmark
  public void smallBare() {
    bareAdd(small, smallOut);
  }

  /** 16 elements, recorded, in a scope. */
  @Benchmark
  public Tensor smallScoped() {
    try (MemoryScope scope = MemoryScope.open()) {
      return small.add(small);
    }
  }

  /** 16 elements, recorded, left to the collector. */
  @Benchmark
  public Tensor smallDropped() {
    return small.add(small);
  }

  /** 16 MB, no tensor. */
  @Benchmark
  public void largeBare() {
    bareAdd(large, largeOut);
  }

  /** 16 MB, recorded, in a scope. */
  @Benchmark
  public Tensor largeScoped() {
    try (MemoryScope scope = MemoryScope.open()) {
      return large.add(large);
    }
  }

  /** 16 MB, recorded, left to the collector. */
  @Benchmark
  public Tensor largeDropped() {
    return large.add(large);
  }

  /** Batch norm, ReLU and their gradients, in a scope: with -prof gc, what a step leaves behind. */
  @Benchmark
  public void stepScoped() {
    try (MemoryScope scope = MemoryScope.open()) {
      Functions.batchnorm(batch, gamma, null, 1e-5).relu().sum().backward();
    }
  }
}
