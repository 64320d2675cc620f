package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.NativeLibraryException;
import io.github.jbatchnorm.platform.Settings;
import org.jspecify.annotations.Nullable;

/** Chooses the kernel of this JVM, once, by {@link Settings#KERNEL}. */
public final class Kernels {
  /** Null until a choice has succeeded: one that failed is tried, and refused, again. */
  private static volatile @Nullable BatchNormKernel chosen;

  private Kernels() {}

  /**
   * Returns the kernel of this JVM.
   *
   * @throws IllegalArgumentException if a property has a value that it does not know
   * @throws NativeLibraryException if the native kernel is demanded and does not load
   */
  public static BatchNormKernel current() {
    BatchNormKernel kernel = chosen;
    return kernel == null ? choose() : kernel;
  }

  private static synchronized BatchNormKernel choose() {
    BatchNormKernel kernel = chosen;
    if (kernel == null) {
      kernel =
          NativeLibrary.isUsed()
              ? new NativeKernel(Settings.threads(), Settings.isa())
              : new JavaKernel();
      chosen = kernel;
    }
    return kernel;
  }
}
