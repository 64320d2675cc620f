package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/**
 * How matrix products are computed, convolutions' included: the property {@value #PROPERTY}.
 *
 * <ul>
 *   <li>{@code openblas}, the default: by OpenBLAS's gemm. The same bits for any number of threads,
 *       but not on every type of processor, for which OpenBLAS has kernels of their own
 *   <li>{@code ordered}: each element a sum in f64 in the order of the inner index, rounded once.
 *       The same bits on every machine and in Java; several times slower
 * </ul>
 */
public final class Products {
  /** The property that chooses. */
  public static final String PROPERTY = "jbatchnorm.matmul";

  /** Null until the property was found to be good. */
  private static volatile @Nullable Boolean ordered;

  private Products() {}

  static boolean parse(String wanted) {
    return switch (wanted) {
      case "openblas" -> false;
      case "ordered" -> true;
      default ->
          throw new IllegalArgumentException(
              "%s: expected openblas or ordered, got %s".formatted(PROPERTY, wanted));
    };
  }

  /**
   * Returns whether products of this JVM are the same bits on every machine.
   *
   * @throws IllegalArgumentException if the property has a value that it does not know
   */
  public static boolean areOrdered() {
    Boolean known = ordered;
    return known == null ? read() : known;
  }

  private static synchronized boolean read() {
    Boolean known = ordered;
    if (known == null) {
      known = parse(System.getProperty(PROPERTY, "openblas"));
      ordered = known;
    }
    return known;
  }

  /**
   * Returns the dtype of a product, which holds both factors.
   *
   * @param names the factors, for the message
   * @throws IllegalArgumentException if it is a 16-bit one: there are no products of these
   */
  public static DType dtype(String names, DType a, DType b) {
    DType dtype = DType.promote(a, b);
    check(names, dtype);
    return dtype;
  }

  static void check(String name, DType dtype) {
    if (dtype != DType.F32 && dtype != DType.F64) {
      throw new IllegalArgumentException(
          "%s: products are of F32 or F64, got %s: cast with astype".formatted(name, dtype));
    }
  }
}
