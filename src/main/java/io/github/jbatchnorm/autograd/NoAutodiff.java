package io.github.jbatchnorm.autograd;

import java.util.function.Supplier;

/**
 * A scope, of one thread, in which operations are not recorded: their results are constant.
 *
 * <pre>{@code
 * try (NoAutodiff scope = NoAutodiff.scope()) {
 *   Tensor prediction = model.forward(x);
 * }
 * }</pre>
 */
public final class NoAutodiff implements AutoCloseable {
  private static final ThreadLocal<Integer> DEPTH = ThreadLocal.withInitial(() -> 0);

  private boolean open = true;

  private NoAutodiff() {}

  /** Opens a scope on the calling thread; scopes nest. */
  public static NoAutodiff scope() {
    DEPTH.set(DEPTH.get() + 1);
    return new NoAutodiff();
  }

  /** Returns what {@code action} returns, run in a scope of its own. */
  public static <T> T call(Supplier<T> action) {
    int depth = DEPTH.get();
    DEPTH.set(depth + 1);
    try {
      return action.get();
    } finally {
      DEPTH.set(depth);
    }
  }

  /** Returns what {@code action} returns, run outside of all scopes. */
  static <T> T callRecording(Supplier<T> action) {
    int depth = DEPTH.get();
    DEPTH.set(0);
    try {
      return action.get();
    } finally {
      DEPTH.set(depth);
    }
  }

  /** Returns true where the calling thread is in no scope, so that operations are recorded. */
  public static boolean isRecording() {
    return DEPTH.get() == 0;
  }

  /** Ends the scope; on the thread that opened it. A second call does nothing. */
  @Override
  public void close() {
    if (open) {
      open = false;
      DEPTH.set(DEPTH.get() - 1);
    }
  }
}
