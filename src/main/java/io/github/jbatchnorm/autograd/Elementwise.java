package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Storage;

/**
 * Elementwise functions: computed in f64 a chunk at a time and rounded once to the dtype of the
 * result, which for + - * / and sqrt of f32 gives the bits of f32 arithmetic.
 */
final class Elementwise {
  /** Elements computed at a time: small enough for the first-level cache. */
  static final int CHUNK = 1024;

  private Elementwise() {}

  /** A function of the first {@code n} elements of {@code a}, in place. */
  @FunctionalInterface
  interface Map {
    void compute(double[] a, int n);
  }

  /** A function of the first {@code n} elements of {@code a} and {@code b}, into {@code a}. */
  @FunctionalInterface
  interface Zip {
    void compute(double[] a, double[] b, int n);
  }

  /** Returns a constant tensor of {@code map} over the elements of {@code x}, in its dtype. */
  static Tensor map(Tensor x, Map map) {
    return map(x, x.dtype(), map);
  }

  /** Returns a constant tensor of {@code map} over the elements of {@code x}. */
  static Tensor map(Tensor x, DType dtype, Map map) {
    Storage result = Storage.allocate(dtype, x.size());
    Parallel.ranges(
        x.size(),
        (from, end) -> {
          double[] chunk = new double[Math.min(CHUNK, end - from)];
          for (int at = from; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            x.storage().read(at, chunk, 0, n);
            map.compute(chunk, n);
            result.write(at, chunk, 0, n);
          }
        });
    return Tensor.constant(result, x.shape());
  }

  /**
   * Returns a constant tensor of {@code zip} over the elements of two tensors that broadcast, in
   * the dtype that holds both.
   *
   * @throws IllegalArgumentException if the shapes do not broadcast
   */
  static Tensor zip(Tensor a, Tensor b, Zip zip) {
    int[] shape = Shapes.broadcast(a.shape(), b.shape());
    int size = Shapes.size(shape);
    Storage result = Storage.allocate(DType.promote(a.dtype(), b.dtype()), size);
    Parallel.ranges(
        size,
        (from, end) -> {
          StridedReader left = reader(a, from, shape);
          StridedReader right = reader(b, from, shape);
          double[] x = new double[Math.min(CHUNK, end - from)];
          double[] y = new double[x.length];
          for (int at = from; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            left.next(x, n);
            right.next(y, n);
            zip.compute(x, y, n);
            result.write(at, x, 0, n);
          }
        });
    return Tensor.constant(result, shape);
  }

  /** Returns a constant tensor of the elements of {@code x} that shape and strides walk over. */
  static Tensor gather(Tensor x, int[] shape, int[] strides) {
    int size = Shapes.size(shape);
    Storage result = Storage.allocate(x.dtype(), size);
    Parallel.ranges(
        size,
        (from, end) -> {
          StridedReader reader = new StridedReader(x.storage(), from, shape, strides);
          double[] chunk = new double[Math.min(CHUNK, end - from)];
          for (int at = from; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            reader.next(chunk, n);
            result.write(at, chunk, 0, n);
          }
        });
    return Tensor.constant(result, shape);
  }

  /** Returns a reader of {@code x} broadcast to {@code shape}, from element {@code from} on. */
  private static StridedReader reader(Tensor x, int from, int... shape) {
    return new StridedReader(x.storage(), from, shape, Shapes.broadcastStrides(x.shape(), shape));
  }
}
