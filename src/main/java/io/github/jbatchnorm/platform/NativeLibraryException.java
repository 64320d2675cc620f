package io.github.jbatchnorm.platform;

/** The native library could not be loaded; the message says why and how to go on without it. */
public final class NativeLibraryException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  NativeLibraryException(Throwable cause) {
    super(
        "the native library of jbatchnorm did not load ("
            + NativeLibrary.innermost(cause)
            + "). Add the jar jbatchnorm with this platform's classifier to the class path, or run"
            + " the slower pure-Java kernel with -D"
            + Settings.KERNEL
            + "=java",
        cause);
  }
}
