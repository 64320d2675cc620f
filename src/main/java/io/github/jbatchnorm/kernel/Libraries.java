package io.github.jbatchnorm.kernel;

import org.bytedeco.javacpp.Loader;

/** Loads native libraries for threads that are interrupted too. */
final class Libraries {
  private Libraries() {}

  /**
   * Loads the library of a class of bindings. An interrupt, which would end the lock on JavaCPP's
   * cache, and with it the loading for good, waits until afterwards.
   *
   * @throws LinkageError if it does not load
   */
  static void load(Class<?> bindings) {
    boolean interrupted = Thread.interrupted();
    try {
      Loader.load(bindings);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
