package io.github.jbatchnorm.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A scope, of one thread, at whose end the memory that was allocated in it goes back to the pool,
 * but for what is kept. Without one, memory goes back when the collector finds that it was dropped.
 *
 * <pre>{@code
 * try (MemoryScope scope = MemoryScope.open()) {
 *   loss(model, batch).backward();
 *   optimizer.step();
 * }
 * }</pre>
 *
 * <p>Whatever was allocated in the scope, gradients included, throws when it is used afterwards. No
 * other thread may be using it when the scope closes.
 */
public final class MemoryScope implements AutoCloseable {
  /** What a thread allocates in, and for. */
  private static final class Current {
    @Nullable MemoryScope scope;
    String user = "the program";
  }

  private static final ThreadLocal<Current> CURRENT = ThreadLocal.withInitial(Current::new);

  private final Current current;
  private final @Nullable MemoryScope outer;
  private final List<Memory> allocated = new ArrayList<>();
  private final int depth;
  private boolean closed;

  private MemoryScope(Current current) {
    this.current = current;
    this.outer = current.scope;
    this.depth = outer == null ? 0 : outer.depth + 1;
  }

  /**
   * Opens a scope on the calling thread, inside the one that is open there.
   *
   * @return the scope, to be closed on this thread
   */
  public static MemoryScope open() {
    Current current = CURRENT.get();
    MemoryScope scope = new MemoryScope(current);
    current.scope = scope;
    return scope;
  }

  /**
   * Runs an action in a scope of its own.
   *
   * @param action what to run
   */
  public static void run(Runnable action) {
    MemoryScope scope = open();
    try {
      action.run();
    } finally {
      scope.close();
    }
  }

  /**
   * Keeps a storage, allocated in this scope or not, past its end: it then belongs to the scope
   * around this one, if there is one.
   *
   * @param storage what stays
   */
  public void keep(Storage storage) {
    storage.memory().keep(depth);
  }

  /**
   * {@return what {@code action} returns; what it allocates belongs to no scope}
   *
   * @param <T> what is returned
   * @param action what to run
   */
  public static <T> T outside(Supplier<T> action) {
    Current current = CURRENT.get();
    MemoryScope scope = current.scope;
    current.scope = null;
    try {
      return action.get();
    } finally {
      current.scope = scope;
    }
  }

  /**
   * A value, and the memory that was allocated for it, which no scope has yet: dropped with it, or
   * given by {@link #adopt} to a scope of another thread.
   */
  public static final class Detached<T> {
    private final T value;
    private final List<Memory> allocated;

    private Detached(T value, List<Memory> allocated) {
      this.value = value;
      this.allocated = allocated;
    }

    /** {@return the value, whose memory goes to the calling thread's innermost scope, if any} */
    public T adopt() {
      MemoryScope scope = CURRENT.get().scope;
      if (scope != null) {
        scope.allocated.addAll(allocated);
      }
      return value;
    }
  }

  /**
   * {@return what {@code action} returns, with the memory that it allocates on this thread}
   *
   * @param <T> what is returned
   * @param action what to run
   */
  public static <T> Detached<T> detached(Supplier<T> action) {
    Current current = CURRENT.get();
    MemoryScope before = current.scope;
    MemoryScope own = new MemoryScope(current);
    current.scope = own;
    boolean done = false;
    try {
      Detached<T> detached = new Detached<>(action.get(), own.allocated);
      done = true;
      return detached;
    } finally {
      current.scope = before;
      if (!done) {
        own.allocated.forEach(Memory::close);
      }
    }
  }

  /**
   * Says what the calling thread allocates for from now on, for {@link MemoryUse#describe}.
   *
   * @param name of the operation, for messages
   * @return what it was before
   */
  public static String user(String name) {
    Current current = CURRENT.get();
    String before = current.user;
    current.user = name;
    return before;
  }

  /** Leases memory in the calling thread's scope. */
  static Memory lease(int bytes) {
    Current current = CURRENT.get();
    Memory memory = MemoryPool.shared().lease(bytes, current.user);
    if (current.scope != null) {
      current.scope.allocated.add(memory);
    }
    return memory;
  }

  /**
   * Gives back what was allocated and not kept; on the thread that opened the scope, after the
   * scopes inside it. A second call does nothing.
   *
   * @throws IllegalStateException if another scope of the thread is open inside, or on another
   *     thread
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (current != CURRENT.get() || current.scope != this) {
      throw new IllegalStateException(
          "close: expected the innermost open MemoryScope of the thread that opened it");
    }
    closed = true;
    current.scope = outer;
    for (Memory memory : allocated) {
      if (!memory.isKept(depth)) {
        memory.close();
        continue;
      }
      memory.left(depth);
      if (outer != null) {
        outer.allocated.add(memory);
      }
    }
  }
}
