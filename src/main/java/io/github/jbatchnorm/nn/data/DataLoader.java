package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.memory.MemoryScope;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Goes through the batches of an epoch once, in order, while a thread of its own prepares the next
 * ones. What the source allocates for a batch belongs to the {@link MemoryScope} in which {@link
 * #next} was called, if there is one. Used by one thread at a time; closed by any.
 */
public final class DataLoader implements Iterator<Batch>, AutoCloseable {
  private static final long PATIENCE_MILLIS = 100;

  /** A batch, or why there is none. */
  private record Prepared(
      MemoryScope.@Nullable Detached<Batch> batch, @Nullable Throwable failure) {
    Batch adopt() {
      if (batch != null) {
        return batch.adopt();
      }
      if (failure instanceof RuntimeException exception) {
        throw exception;
      }
      if (failure instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException("the source of batches failed", failure);
    }
  }

  private final BatchSource source;
  private final BlockingQueue<Prepared> ready;
  private final Thread worker;
  private volatile boolean closed;
  private int next;

  /**
   * Makes a loader and starts its thread.
   *
   * @param source the batches
   * @param prefetch how many may be ready ahead of their use, 1 or more
   * @throws IllegalArgumentException if prefetch is below 1
   */
  public DataLoader(BatchSource source, int prefetch) {
    Objects.requireNonNull(source, "source");
    if (prefetch < 1) {
      throw new IllegalArgumentException("prefetch: expected 1 or more, got " + prefetch);
    }
    this.source = source;
    this.ready = new ArrayBlockingQueue<>(prefetch);
    this.worker = new Thread(this::prepare, "jbatchnorm-data-loader");
    worker.setDaemon(true);
    worker.start();
  }

  private void prepare() {
    try {
      for (int i = 0; i < source.count() && !closed; i++) {
        int index = i;
        hand(new Prepared(MemoryScope.detached(() -> source.batch(index)), null));
      }
    } catch (Throwable e) { // thrown again by next, on its caller's thread
      handLast(new Prepared(null, e));
    }
    if (closed) {
      ready.clear();
    }
  }

  private void hand(Prepared prepared) throws InterruptedException {
    while (!closed && !ready.offer(prepared, PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {}
  }

  private void handLast(Prepared prepared) {
    Thread.interrupted(); // by the source, or by close, which ends this as well
    try {
      hand(prepared);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the loader was closed
    }
  }

  @Override
  public boolean hasNext() {
    return !closed && next < source.count();
  }

  /**
   * Returns the next batch, when it is ready.
   *
   * @throws NoSuchElementException if there is none, or the loader is closed
   * @throws IllegalStateException if the thread is interrupted while it waits
   */
  @Override
  public Batch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no batch is left, or the loader is closed");
    }
    Prepared prepared = await();
    if (prepared.failure != null) {
      closed = true;
    }
    next++;
    return prepared.adopt();
  }

  private Prepared await() {
    try {
      while (!closed) {
        Prepared prepared = ready.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        if (prepared != null) {
          return prepared;
        }
        if (!worker.isAlive() && ready.isEmpty() && !closed) {
          throw new IllegalStateException("the source has fewer batches than it counts now");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a batch", e);
    }
    throw new NoSuchElementException("the loader was closed");
  }

  /** Ends the thread, and any wait for a batch; those prepared in vain are dropped. */
  @Override
  public void close() {
    closed = true;
    worker.interrupt();
    ready.clear();
  }
}
