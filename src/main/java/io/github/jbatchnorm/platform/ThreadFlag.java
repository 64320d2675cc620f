package io.github.jbatchnorm.platform;

import java.util.function.Supplier;

/** What holds on a thread while it runs something: false otherwise. */
public final class ThreadFlag {
  private final ThreadLocal<Boolean> set = ThreadLocal.withInitial(() -> false);

  /** Makes a flag that is not set on any thread. */
  public ThreadFlag() {}

  /** Returns what {@code action} returns, run on the calling thread with the flag set. */
  public <T> T during(Supplier<T> action) {
    boolean before = set.get();
    set.set(true);
    try {
      return action.get();
    } finally {
      set.set(before);
    }
  }

  /** Returns whether the calling thread is inside of {@link #during}. */
  public boolean isSet() {
    return set.get();
  }
}
