package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.jni.TextFunction;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

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
    if (address == null) {
      return "without a description";
    }
    // JavaCPP's function pointers are places that hold a function's address.
    try (PointerPointer<Pointer> place = new PointerPointer<>(1)) {
      return new TextFunction(place.put(address)).call().getString();
    }
  }
}
