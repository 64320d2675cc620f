package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.NativeText;

/** What OpenBLAS, which computes matrix products, says of itself. */
public final class OpenBlas {
  private OpenBlas() {}

  /**
   * Returns OpenBLAS's version, options and core type, in its own words.
   *
   * @throws IllegalStateException if OpenBLAS does not load
   * @throws io.github.jbatchnorm.kernel.NativeLibraryException if this project's own native
   *     library, through which it is asked, does not load
   */
  public static String configuration() {
    Blas.load();
    return NativeText.of("openblas_get_config").orElse("without a description");
  }
}
