package io.github.jbatchnorm.platform;

import java.util.function.Supplier;

/**
 * Runs operations on their caller's thread alone, whatever {@link Settings#THREADS} says: for a
 * caller that is one of as many as there are processors. Changes no bit.
 */
public final class OneThread {
  private static final ThreadFlag WANTED = new ThreadFlag();

  private OneThread() {}

  /** Returns what {@code action} returns; its operations use the calling thread alone. */
  public static <T> T call(Supplier<T> action) {
    return WANTED.during(action);
  }

  /** Returns whether the calling thread is inside of {@link #call}. */
  static boolean isWanted() {
    return WANTED.isSet();
  }
}
