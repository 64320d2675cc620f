package io.github.jbatchnorm.kernel;

/**
 * Products of pairs of matrices, c = a b, each of a and b perhaps read transposed. The pairs have
 * axes; a matrix may take part in several pairs (stride 0). c has the pairs' products row-major.
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
  int[] pairs = {};
  int[] strideA = {};
  int[] strideB = {};

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
  }

  /** Makes it many pairs, of a shape, whose matrices lie so many elements apart. */
  public MatrixProducts pairs(int[] shape, int[] aStrides, int[] bStrides) {
    pairs = shape.clone();
    strideA = aStrides.clone();
    strideB = bStrides.clone();
    return this;
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
    if (m < 0 || n < 0 || k < 0 || b.dtype() != a.dtype() || c.dtype() != a.dtype()) {
      throw new IllegalArgumentException(
          "sizes: expected 0 or more and one dtype, got %s, %s, %s and %s, %s, %s"
              .formatted(m, n, k, a.dtype(), b.dtype(), c.dtype()));
    }
    matrices("a", a, (long) m * k, strideA);
    matrices("b", b, (long) k * n, strideB);
    Convolution.expect("c", c, (long) count() * m * n, a);
  }

  private void matrices(String name, Storage storage, long size, int... strides) {
    if (size > 0 && count() > 0) {
      Strided.of(storage, 0, strides).check(name, pairs);
      Strided.of(storage, Math.toIntExact(size) - 1, strides).check(name, pairs);
    }
  }
}
