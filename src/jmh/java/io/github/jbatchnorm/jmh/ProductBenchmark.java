package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Convolution;
import io.github.jbatchnorm.arrays.ConvolutionArguments;
import io.github.jbatchnorm.arrays.MatrixProducts;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Settings;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Convolutions beside the sgemm calls that they consist of, on matrices that are there already, and
 * matrix products beside OpenBLAS with threads of its own.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(1)
public class ProductBenchmark {
  private static Storage random(long size) {
    SplittableRandom random = new SplittableRandom(size);
    Storage storage = Storage.allocate(DType.F32, size);
    for (int i = 0; i < storage.length(); i++) {
      storage.set(i, random.nextDouble(-1, 1));
    }
    return storage;
  }

  /** A 3 x 3 convolution with padding 1. */
  @State(Scope.Thread)
  public static class ConvState {
    /** N, C, H = W, O. */
    @Param({"32x16x14x32", "32x32x7x64", "64x16x32x16", "64x32x16x32", "64x64x8x64"})
    public String sizes;

    private Convolution shape;
    private Storage x;
    private Storage filters;
    private Storage y;
    private Storage patches;
    private Storage products;
    private Storage dx;
    private Storage dFilters;
    private int[] s;
    private int samples;

    private int columns() {
      return samples * s[2] * s[2];
    }

    private Storage out(int size) {
      return products.slice(0, s[0] / samples * size);
    }

    /** Computes a product once for each matrix of patches. */
    private void repeat(MatrixProducts product) {
      ArrayKernels.current()
          .multiply(product.pairs(new int[] {s[0] / samples}, new int[] {0}, new int[] {0}));
    }

    /** Fills everything. */
    @Setup
    public void fill() {
      s = Arrays.stream(sizes.split("x")).mapToInt(Integer::parseInt).toArray();
      int[] one = {1, 1};
      shape =
          Convolution.of(
              new int[] {s[0], s[1], s[2], s[2]}, new int[] {s[3], s[1], 3, 3}, one, one, one, 1);
      int area = s[2] * s[2];
      samples = s[0] / (s[0] / ((191 + area) / area)); // columns enough for sgemm
      x = random((long) s[0] * s[1] * s[2] * s[2]);
      filters = random((long) s[3] * s[1] * 9);
      y = random((long) s[0] * s[3] * s[2] * s[2]);
      patches = random((long) s[0] * s[1] * 9 * s[2] * s[2]);
      products = random((long) s[0] * s[2] * s[2] * Math.max(s[1] * 9, s[3]));
      dx = random(x.length());
      dFilters = random(filters.length());
    }
  }

  /** The convolution. */
  @Benchmark
  public void conv(ConvState t) {
    ArrayKernels.current()
        .convolve(t.shape, new ConvolutionArguments(t.x, t.filters, null, 1, t.y));
  }

  /** The gradient for x. */
  @Benchmark
  public void convInput(ConvState t) {
    ArrayKernels.current().convolveInput(t.shape, t.y, t.filters, t.dx);
  }

  /** The gradient for the filters. */
  @Benchmark
  public void convFilters(ConvState t) {
    ArrayKernels.current().convolveFilters(t.shape, t.x, t.y, t.dFilters);
  }

  /** Its sgemm calls: filters times patches, the same ones each time, which stay in the cache. */
  @Benchmark
  public void convBare(ConvState t) {
    int columns = t.columns();
    int patch = t.s[1] * 9;
    t.repeat(
        new MatrixProducts(
            t.s[3], columns, patch, t.filters, false, t.patches, false, t.out(t.s[3] * columns)));
  }

  /** The sgemm calls of the gradient for x: filters transposed times outputs. */
  @Benchmark
  public void convInputBare(ConvState t) {
    int columns = t.columns();
    int patch = t.s[1] * 9;
    t.repeat(
        new MatrixProducts(
            patch, columns, t.s[3], t.filters, true, t.y, false, t.out(patch * columns)));
  }

  /** The sgemm calls of the gradient for the filters: outputs times patches transposed. */
  @Benchmark
  public void convFiltersBare(ConvState t) {
    int columns = t.columns();
    int patch = t.s[1] * 9;
    t.repeat(
        new MatrixProducts(
            t.s[3], patch, columns, t.y, false, t.patches, true, t.out(t.s[3] * patch)));
  }

  /** Square matrices. */
  @State(Scope.Thread)
  public static class MatrixState {
    /** Their side. */
    @Param({"128", "512", "1024"})
    public int side;

    private Storage a;
    private Storage b;
    private Storage c;

    /** Fills everything. */
    @Setup
    public void fill() {
      a = random((long) side * side);
      b = random((long) side * side);
      c = random((long) side * side);
    }
  }

  /** This library's product. */
  @Benchmark
  public void matmul(MatrixState t) {
    ArrayKernels.current()
        .multiply(new MatrixProducts(t.side, t.side, t.side, t.a, false, t.b, false, t.c));
  }

  /** OpenBLAS by itself, with its own threads. */
  @Benchmark
  public void matmulBare(MatrixState t) {
    org.bytedeco.openblas.presets.openblas_nolapack.blas_set_num_threads(Settings.threads());
    openblas_nolapack.cblas_sgemm(
        openblas_nolapack.CblasRowMajor,
        openblas_nolapack.CblasNoTrans,
        openblas_nolapack.CblasNoTrans,
        t.side,
        t.side,
        t.side,
        1,
        new FloatPointer(t.a.floats()),
        t.side,
        new FloatPointer(t.b.floats()),
        t.side,
        0,
        new FloatPointer(t.c.floats()),
        t.side);
  }
}
