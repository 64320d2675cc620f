package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.NativeLibraryException;
import io.github.jbatchnorm.platform.Settings;
import org.jspecify.annotations.Nullable;

/** Chooses the operations on arrays of this JVM, once, by {@link Settings#KERNEL}. */
public final class ArrayKernels {
  /** Null until a choice has succeeded: one that failed is tried, and refused, again. */
  private static volatile @Nullable ArrayKernel chosen;

  private ArrayKernels() {}

  /**
   * Returns the operations of this JVM.
   *
   * @throws IllegalArgumentException if a property has a value that it does not know
   * @throws NativeLibraryException if native code is demanded and does not load
   */
  public static ArrayKernel current() {
    ArrayKernel arrays = chosen;
    return arrays == null ? choose() : arrays;
  }

  private static synchronized ArrayKernel choose() {
    ArrayKernel arrays = chosen;
    if (arrays == null) {
      arrays =
          NativeLibrary.isUsed()
              ? new NativeArrays(Settings.threads(), Settings.isa())
              : new JavaArrays();
      chosen = arrays;
    }
    return arrays;
  }
}
