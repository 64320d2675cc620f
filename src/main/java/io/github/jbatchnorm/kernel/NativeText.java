package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.jni.TextFunction;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** What loaded native libraries say of themselves. */
public final class NativeText {
  private NativeText() {}

  /**
   * Calls a function {@code const char* name(void)} of a loaded library.
   *
   * @param name the function's symbol; it must be of that type
   * @return its text, or nothing where no loaded library has the symbol
   * @throws NativeLibraryException if this project's own native library does not load
   */
  public static Optional<String> of(String name) {
    NativeKernel.load();
    Pointer address = Loader.addressof(name);
    if (address == null) {
      return Optional.empty();
    }
    // JavaCPP's function pointers are places that hold a function's address.
    try (PointerPointer<Pointer> place = new PointerPointer<>(1)) {
      return Optional.of(new TextFunction(place.put(address)).call().getString());
    }
  }
}
