package io.github.jbatchnorm.memory;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Has the heap collected, by one thread at a time, and hands on what the collector finds. */
final class HeapCollector {
  /** How long findings are waited for: for the first of them, between two, and for late ones. */
  private static final int FIRST_WAIT_MILLIS = 100;

  private static final int NEXT_WAIT_MILLIS = 2;
  private static final int LATE_WAIT_MILLIS = 20;

  private final ReferenceQueue<Object> queue;
  private final Consumer<@Nullable Reference<?>> taker;
  private final BooleanSupplier mayBeLate;
  private boolean running;
  private long started;

  /**
   * Makes a collector.
   *
   * @param queue where findings come
   * @param taker takes each of them, or null for none, and tells sentinels that they were found
   * @param mayBeLate whether findings are worth waiting for a little longer
   */
  HeapCollector(
      ReferenceQueue<Object> queue,
      Consumer<@Nullable Reference<?>> taker,
      BooleanSupplier mayBeLate) {
    this.queue = queue;
    this.taker = taker;
    this.mayBeLate = mayBeLate;
  }

  /** Found once the heap was collected. */
  static final class Sentinel extends PhantomReference<Object> {
    private volatile boolean found;

    private Sentinel(ReferenceQueue<Object> queue) {
      super(new Object(), queue);
    }

    void find() {
      found = true;
    }
  }

  /**
   * Returns true where the calling thread is to collect; false once another has, which began after
   * this was called.
   */
  synchronized boolean begins() {
    long before = started;
    boolean interrupted = false;
    while (running) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    restore(interrupted);
    if (started > before) {
      return false;
    }
    running = true;
    started++;
    return true;
  }

  /** Ends what {@link #begins} has begun. */
  synchronized void ends() {
    running = false;
    notifyAll();
  }

  private static void restore(boolean interrupted) {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns whether the collector's findings came, interrupted or not. */
  boolean collect() {
    Sentinel sentinel = new Sentinel(queue);
    System.gc();
    boolean interrupted = false;
    boolean more = true;
    while (more) {
      try {
        Reference<?> found = queue.remove(wait(sentinel));
        more = found != null;
        taker.accept(found);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    restore(interrupted);
    return sentinel.found;
  }

  private int wait(Sentinel sentinel) {
    if (!sentinel.found) {
      return FIRST_WAIT_MILLIS;
    }
    return mayBeLate.getAsBoolean() ? LATE_WAIT_MILLIS : NEXT_WAIT_MILLIS;
  }
}
