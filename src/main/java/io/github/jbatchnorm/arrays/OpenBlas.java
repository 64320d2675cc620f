package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.platform.NativeLibraryException;

/** What OpenBLAS, which computes matrix products, says of itself. */
public final class OpenBlas {
  private OpenBlas() {}

  /**
   * Returns OpenBLAS's version, options and core type, in its own words.
   *
   * @throws IllegalStateException if OpenBLAS does not load
   * @throws NativeLibraryException if this project's own native library, through which it is asked,
   *     does not load
   */
  public static String configuration() {
    Blas.load();
    return NativeText.OPENBLAS_CONFIGURATION.text().orElse("without a description");
  }
}
