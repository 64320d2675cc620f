package io.github.jbatchnorm.platform;

import java.util.function.Supplier;

/**
 * Runs operations on their caller's thread alone, whatever {@link Settings#THREADS} says: for a
 * caller that is one of as many as there are processors. Changes no bit.
 */
public final class OneThread {
  private static final ThreadLocal<Boolean> WANTED = ThreadLocal.withInitial(() -> false);

  private OneThread() {}

  /** Returns what {@code action} returns; its operations use the calling thread alone. */
  public static <T> T call(Supplier<T> action) {
    boolean before = WANTED.get();
    WANTED.set(true);
    try {
      return action.get();
    } finally {
      WANTED.set(before);
    }
  }

  /** Returns whether the calling thread is inside of {@link #call}. */
  static boolean isWanted() {
    return WANTED.get();
  }
}
