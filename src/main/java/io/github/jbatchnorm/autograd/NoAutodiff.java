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
  /** How many scopes are open on a thread. */
  private static final class Depth {
    int count;
  }

  private static final ThreadLocal<Depth> DEPTH = ThreadLocal.withInitial(Depth::new);

  private final Depth depth; // of the thread that opened this
  private boolean open = true;

  private NoAutodiff(Depth depth) {
    this.depth = depth;
  }

  /**
   * Opens a scope on the calling thread; scopes nest.
   *
   * @return the scope, to be closed on this thread
   */
  public static NoAutodiff scope() {
    Depth depth = DEPTH.get();
    depth.count++;
    return new NoAutodiff(depth);
  }

  /** Begins a scope that {@link #leave} ends, on the same thread. */
  static void enter() {
    DEPTH.get().count++;
  }

  static void leave() {
    DEPTH.get().count--;
  }

  /**
   * {@return what {@code action} returns, run in a scope of its own}
   *
   * @param <T> what is returned
   * @param action what to run
   */
  public static <T> T call(Supplier<T> action) {
    Depth depth = DEPTH.get();
    depth.count++;
    try {
      return action.get();
    } finally {
      depth.count--;
    }
  }

  /** Returns what {@code action} returns, run outside of all scopes. */
  static <T> T callRecording(Supplier<T> action) {
    Depth depth = DEPTH.get();
    int before = depth.count;
    depth.count = 0;
    try {
      return action.get();
    } finally {
      depth.count = before;
    }
  }

  /** {@return true where the calling thread is in no scope, so that operations are recorded} */
  public static boolean isRecording() {
    return DEPTH.get().count == 0;
  }

  /**
   * Ends the scope; on the thread that opened it. A second call does nothing.
   *
   * @throws IllegalStateException on another thread; the scope then stays open
   */
  @Override
  public void close() {
    if (depth != DEPTH.get()) {
      throw new IllegalStateException(
          "close: expected the thread that opened this NoAutodiff scope, got "
              + Thread.currentThread().getName());
    }
    if (open) {
      open = false;
      depth.count--;
    }
  }
}
