package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Storage;

/**
 * The product of two matrices, either perhaps read transposed: Y = A' B', where dA' = dY B'^T and
 * dB' = A'^T dY.
 */
final class MatMul extends Operation {
  /** The smallest part of a product worth a thread, in multiplications. */
  private static final long PART = 1 << 20;

  private final boolean transA;
  private final boolean transB;

  private MatMul(Tensor a, boolean transA, Tensor b, boolean transB) {
    super(a, b);
    this.transA = transA;
    this.transB = transB;
  }

  /** Returns the product; mixed dtypes promote to f64. */
  static Tensor of(Tensor a, boolean transA, Tensor b, boolean transB) {
    checkMatrix("this", a);
    checkMatrix("other", b);
    if (a.dim(transA ? 0 : 1) != b.dim(transB ? 1 : 0)) {
      throw new IllegalArgumentException(
          "other: shape %s does not continue %s: the inner sizes differ"
              .formatted(Shapes.text(b.shape()), Shapes.text(a.shape())));
    }
    DType dtype = Blas.product(a.dtype(), b.dtype());
    return new MatMul(a.astype(dtype), transA, b.astype(dtype), transB).apply();
  }

  private static void checkMatrix(String name, Tensor x) {
    if (x.ndim() != 2) {
      throw new IllegalArgumentException(
          "%s: expected a matrix, got shape %s".formatted(name, Shapes.text(x.shape())));
    }
  }

  @Override
  protected Tensor forward() {
    Blas.Matrix a = matrix(input(0), transA);
    Blas.Matrix b = matrix(input(1), transB);
    int m = input(0).dim(transA ? 1 : 0);
    int n = input(1).dim(transB ? 0 : 1);
    int k = input(0).dim(transA ? 0 : 1);
    Storage result = Storage.allocate(input(0).dtype(), (long) m * n);
    if (transA) {
      Blas.multiply(a, b, 0, new Blas.Matrix(result, m, n));
      return Tensor.constant(result, m, n);
    }
    // Rows in parts whose number depends on the sizes alone.
    int parts = (int) Math.max(1, Math.min(Math.min(m / 8, 16), (long) m * n * k / PART));
    Parallel.run(
        parts,
        part -> {
          int first = (int) ((long) m * part / parts);
          int rows = (int) ((long) m * (part + 1) / parts) - first;
          Blas.multiply(
              new Blas.Matrix(a.storage(), first * k, rows, k, false),
              b,
              0,
              new Blas.Matrix(result, first * n, rows, n, false));
        });
    return Tensor.constant(result, m, n);
  }

  private static Blas.Matrix matrix(Tensor x, boolean transposed) {
    return new Blas.Matrix(x.storage(), 0, x.dim(0), x.dim(1), transposed);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    Tensor a = input(0);
    Tensor b = input(1);
    if (input == 0) {
      return transA ? of(b, transB, grad, true) : of(grad, false, b, !transB);
    }
    return transB ? of(grad, true, a, transA) : of(a, !transA, grad, false);
  }
}
