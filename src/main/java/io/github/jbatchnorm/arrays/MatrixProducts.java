package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Sizes;
import java.util.Arrays;

/**
 * Products of pairs of matrices, c = a b, each of a and b perhaps read transposed. The pairs have
 * axes; a matrix may take part in several pairs (stride 0). c has the pairs' products row-major.
 * Immutable.
 */
public final class MatrixProducts {
  /** The smallest part of a product worth a thread, in multiplications. */
  private static final long PART = 1 << 18;

  private static final int MOST_PARTS = 16;
  private static final int SMALLEST_PART = 8; // rows or columns

  final int m;
  final int n;
  final int k;
  final Storage a;
  final boolean transA;
  final Storage b;
  final boolean transB;
  final Storage c;
  final int[] pairs;
  final int[] strideA;
  final int[] strideB;

  /**
   * One pair.
   *
   * @param m rows of c
   * @param n columns of c
   * @param k the inner size
   * @param a m by k, or k by m where {@code transA}
   * @param b k by n, or n by k where {@code transB}
   */
  public MatrixProducts(
      int m, int n, int k, Storage a, boolean transA, Storage b, boolean transB, Storage c) {
    this.m = m;
    this.n = n;
    this.k = k;
    this.a = a;
    this.transA = transA;
    this.b = b;
    this.transB = transB;
    this.c = c;
    this.pairs = new int[0];
    this.strideA = pairs;
    this.strideB = pairs;
  }

  private MatrixProducts(MatrixProducts one, int[] shape, int[] aStrides, int[] bStrides) {
    m = one.m;
    n = one.n;
    k = one.k;
    a = one.a;
    transA = one.transA;
    b = one.b;
    transB = one.transB;
    c = one.c;
    pairs = shape.clone();
    strideA = aStrides.clone();
    strideB = bStrides.clone();
  }

  /** Returns many pairs, of a shape, whose matrices lie so many elements apart. */
  public MatrixProducts pairs(int[] shape, int[] aStrides, int[] bStrides) {
    return new MatrixProducts(this, shape, aStrides, bStrides);
  }

  int count() {
    return Sizes.product("pairs", pairs);
  }

  boolean byRows() {
    return m >= n;
  }

  /** Parts that each product is cut into, by its rows or columns: a matter of sizes alone. */
  int parts() {
    if (count() >= MOST_PARTS) {
      return 1;
    }
    long most = Math.min(Math.max(m, n) / SMALLEST_PART, (long) m * n * k / PART);
    return (int) Math.max(1, Math.min(most, MOST_PARTS));
  }

  void check() {
    Products.check("a", a.dtype());
    Convolution.expect("b", b, b.length(), a);
    int matrixA = Sizes.product("a (m, k)", m, k);
    int matrixB = Sizes.product("b (k, n)", k, n);
    int count = count();
    if (strideA.length != pairs.length || strideB.length != pairs.length) {
      throw new IllegalArgumentException(
          "pairs: expected a stride for each of %s axes, got %s and %s"
              .formatted(pairs.length, strideA.length, strideB.length));
    }
    if (count > 0) {
      matrices("a", a, matrixA, strideA);
      matrices("b", b, matrixB, strideB);
    }
    int[] sizes = Arrays.copyOf(pairs, pairs.length + 2);
    sizes[pairs.length] = m;
    sizes[pairs.length + 1] = n;
    Convolution.expect("c", c, Sizes.product("c (pairs, m, n)", sizes), a);
  }

  private void matrices(String name, Storage storage, int size, int... strides) {
    if (size > 0) {
      Strided.of(storage, 0, strides).check(name, pairs);
      Strided.of(storage, size - 1, strides).check(name, pairs);
    }
  }
}
