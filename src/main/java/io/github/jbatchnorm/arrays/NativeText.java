package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.jni.TextFunction;
import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.NativeLibraryException;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * What a loaded native library says of itself, by a function {@code const char* f(void)}. A closed
 * set: to call any symbol by its name would be to crash where it is of another type.
 */
enum NativeText {
  /** OpenBLAS's version, its options, and the processor that it chose kernels for. */
  OPENBLAS_CONFIGURATION("openblas_get_config");

  private final String symbol;

  NativeText(String symbol) {
    this.symbol = symbol;
  }

  /**
   * Calls the function.
   *
   * @return its text, or nothing where no loaded library has the function
   * @throws NativeLibraryException if this project's own native library does not load
   */
  Optional<String> text() {
    NativeLibrary.load();
    Pointer address = Loader.addressof(symbol);
    if (address == null) {
      return Optional.empty();
    }
    // JavaCPP's function pointers are places that hold a function's address.
    try (PointerPointer<Pointer> place = new PointerPointer<>(1)) {
      return Optional.of(new TextFunction(place.put(address)).call().getString());
    }
  }
}
