package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.Settings;
import io.github.jbatchnorm.platform.ThreadFlag;
import java.lang.System.Logger.Level;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Products of matrices, convolutions' included: how {@link Settings#MATMUL} has them, and of what.
 */
public final class Products {
  // The native kernel's ordered product packs a matrix in tiles of so many columns, and at most so
  // many rows of it at a time.
  private static final int TILE_COLUMNS = 16;
  private static final int PACKED_ROWS = 1 << 16;

  /** Null until the property was found to be good. */
  private static volatile @Nullable Boolean ordered;

  private static final ThreadFlag WANTED = new ThreadFlag();

  private Products() {}

  /**
   * Returns what {@code action} returns; its products, those that the calling thread asks for, are
   * the same bits on every machine, and for any number of rows, whatever the property says.
   */
  public static <T> T ordered(Supplier<T> action) {
    return WANTED.during(action);
  }

  /**
   * Returns whether the calling thread's products are the same bits on every machine.
   *
   * @throws IllegalArgumentException if the property has a value that it does not know
   */
  public static boolean areOrdered() {
    if (WANTED.isSet()) {
      return true;
    }
    Boolean known = ordered;
    return known == null ? read() : known;
  }

  private static synchronized boolean read() {
    Boolean known = ordered;
    if (known == null) {
      known =
          switch (Settings.products()) {
            case ORDERED -> true;
            case OPENBLAS -> false;
            case AUTO -> !NativeLibrary.isUsed() || !loadsBlas();
          };
      ordered = known;
    }
    return known;
  }

  private static boolean loadsBlas() {
    try {
      Blas.load();
      return true;
    } catch (IllegalStateException e) {
      System.getLogger(Products.class.getName())
          .log(
              Level.WARNING,
              "Matrix products are ordered, and slower: {0} ({1})",
              e.getMessage(),
              NativeLibrary.innermost(e));
      return false;
    }
  }

  /** Returns the address of OpenBLAS's function for native code to call; 0 for ordered products. */
  static long gemm(DType dtype) {
    return areOrdered() ? 0 : Blas.gemm(dtype);
  }

  /** Returns how many doubles a native thread packs for products of {@code k} summands. */
  static int packed(int k) {
    return areOrdered() ? Math.min(k, PACKED_ROWS) * TILE_COLUMNS : 0;
  }

  /** Returns the dtype that products of a dtype are computed in: f32 of 16 bits, else that one. */
  public static DType computed(DType dtype) {
    return dtype == DType.F64 ? DType.F64 : DType.F32;
  }

  static void check(String name, DType dtype) {
    if (dtype != DType.F32 && dtype != DType.F64) {
      throw new IllegalArgumentException("%s: expected F32 or F64, got %s".formatted(name, dtype));
    }
  }
}
