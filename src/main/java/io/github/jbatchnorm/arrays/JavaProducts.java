package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.platform.Parallel;

/** Matrix products in Java: by OpenBLAS, or ordered. */
final class JavaProducts {
  private JavaProducts() {}

  /** Computes the same parts as the native kernel, so that OpenBLAS gives it the same bits. */
  static void multiply(MatrixProducts p) {
    int parts = p.parts();
    int whole = p.byRows() ? p.m : p.n;
    Blas.Matrix a = new Blas.Matrix(p.a, 0, p.transA ? p.k : p.m, p.transA ? p.m : p.k, p.transA);
    Blas.Matrix b = new Blas.Matrix(p.b, 0, p.transB ? p.n : p.k, p.transB ? p.k : p.n, p.transB);
    Parallel.run(
        p.count() * parts,
        task -> {
          int pair = task / parts;
          int from = (int) ((long) whole * (task % parts) / parts);
          int size = (int) ((long) whole * (task % parts + 1) / parts) - from;
          Blas.Matrix left = a.from(offset(p.pairs, p.strideA, pair));
          Blas.Matrix right = b.from(offset(p.pairs, p.strideB, pair));
          Blas.Matrix out = new Blas.Matrix(p.c, pair * p.m * p.n, p.m, p.n, false);
          if (p.byRows()) {
            multiply(left.rows(from, size), right, false, out.rows(from, size));
          } else {
            multiply(left, right.columns(from, size), false, out.columns(from, size));
          }
        });
  }

  private static int offset(int[] shape, int[] strides, int pair) {
    int offset = 0;
    int rest = pair;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      offset += rest % shape[axis] * strides[axis];
      rest /= shape[axis];
    }
    return offset;
  }

  /** Computes c = a b, or c + a b where {@code keep}. */
  static void multiply(Blas.Matrix a, Blas.Matrix b, boolean keep, Blas.Matrix c) {
    if (!Products.areOrdered()) {
      Blas.multiply(a, b, keep ? 1 : 0, c);
      return;
    }
    for (int i = 0; i < c.height(); i++) {
      for (int j = 0; j < c.width(); j++) {
        double sum = 0;
        for (int k = 0; k < a.width(); k++) {
          sum += a.get(i, k) * b.get(k, j);
        }
        c.storage().set(c.at(i, j), keep ? c.get(i, j) + sum : sum);
      }
    }
  }
}
