package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.jni.TextFunction;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/** What OpenBLAS, which computes matrix products, says of itself. */
public final class OpenBlas {
  private OpenBlas() {}

  /**
   * Returns OpenBLAS's version, options and core type, in its own words.
   *
   * @throws IllegalStateException if OpenBLAS does not load
   */
  public static String configuration() {
    Blas.load();
    Pointer address = Loader.addressof("openblas_get_config");
    return address == null ? "without a description" : new TextFunction(address).call().getString();
  }
}
