package io.github.jbatchnorm.platform;

import io.github.jbatchnorm.jni.Abi;

/**
 * How native calls run. Neither component changes a bit of any result.
 *
 * @param threads the most threads a call uses, its caller's included; 0 for OpenMP's default
 * @param isa the instruction set to use
 */
public record Execution(int threads, Isa isa) {
  /**
   * Checks the components, and loads the native library.
   *
   * @throws IllegalArgumentException if threads is not 0 to 1024, or this machine has not got isa
   * @throws NativeLibraryException if the native library does not load
   */
  public Execution {
    NativeLibrary.load();
    if (threads < 0 || threads > Abi.JBN_MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads: expected 0 to %s, got %s".formatted(Abi.JBN_MAX_THREADS, threads));
    }
    if (!NativeLibrary.has(isa)) {
      throw new IllegalArgumentException(
          "isa: this machine has not got %s; its best is %s"
              .formatted(isa, NativeLibrary.bestIsa()));
    }
  }

  /** Returns what {@link Settings} say. */
  public static Execution current() {
    return new Execution(Settings.threads(), Settings.isa());
  }

  /** Returns the instruction set that a call runs on. */
  public Isa usedIsa() {
    return isa == Isa.BEST ? NativeLibrary.bestIsa() : isa;
  }

  /** Returns the most threads that a call uses, 1 or more. */
  public int usedThreads() {
    return threads == 0 ? Abi.jbn_default_threads() : threads;
  }

  /** Returns both as the C ABI takes them. */
  public int code() {
    return code(threads);
  }

  /** As {@link #code()}, for a call that is to use fewer threads. */
  public int code(int fewer) {
    return isa.code << 16 | (OneThread.isWanted() ? 1 : fewer);
  }
}
