package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.Settings;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the kernel of this JVM, once, by the system property {@code jbatchnorm.kernel}:
 *
 * <ul>
 *   <li>{@code native}: the native kernel, or an exception where it does not load
 *   <li>{@code java}: the pure-Java kernel
 *   <li>{@code auto}, the default: the native kernel; where it does not load, the pure-Java one
 *       after a warning that says why
 * </ul>
 *
 * <p>{@code jbatchnorm.threads} sets the most threads that a call uses, and {@code jbatchnorm.isa}
 * forces an instruction set (default {@code best}). Neither changes a bit.
 */
public final class Kernels {
  /** Null until a choice has succeeded: one that failed is tried, and refused, again. */
  private static volatile @Nullable BatchNormKernel chosen;

  private Kernels() {}

  /**
   * {@return the kernel of this JVM}
   *
   * @throws IllegalArgumentException if a property has a value that it does not know
   * @throws IllegalStateException if the native kernel is demanded and does not load
   */
  public static BatchNormKernel current() {
    BatchNormKernel kernel = chosen;
    return kernel == null ? choose() : kernel;
  }

  private static synchronized BatchNormKernel choose() {
    BatchNormKernel kernel = chosen;
    if (kernel == null) {
      kernel = NativeLibrary.isUsed() ? nativeKernel() : javaKernel();
      chosen = kernel;
    }
    return kernel;
  }

  /** {@return the pure-Java kernel} */
  public static BatchNormKernel javaKernel() {
    return new JavaKernel();
  }

  /**
   * {@return the native kernel}
   *
   * @throws IllegalArgumentException if a property has a value that it does not know
   * @throws IllegalStateException if it does not load, saying why and what to do
   */
  public static BatchNormKernel nativeKernel() {
    return new NativeKernel(Settings.threads(), Settings.isa());
  }
}
