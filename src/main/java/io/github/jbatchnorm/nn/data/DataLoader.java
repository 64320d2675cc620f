package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.memory.MemoryScope;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Goes through the batches of an epoch once, in order, while threads of its own prepare the next
 * ones. The batches and their order are the same for any number of threads. What is allocated for a
 * batch belongs to the {@link MemoryScope} in which {@link #next} was called, if there is one. Used
 * by one thread at a time; closed by any.
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

  /** What a thread has taken to do. */
  private record Task(int number, Supplier<Batch> batch) {}

  /** Held while the source is asked for its next task, which numbers the tasks. */
  private final Object source = new Object();

  private final Iterator<Supplier<Batch>> tasks;

  /** Held for everything below. */
  private final Object lock = new Object();

  private final Map<Integer, Prepared> ready = new HashMap<>();
  private final int ahead;
  private final List<Thread> threads;
  private int taken;
  private int next;
  private boolean ended;
  private boolean closed;

  /**
   * Makes a loader and starts its thread.
   *
   * @param source the batches
   * @param prefetch how many may be ready ahead of their use, 1 or more
   * @throws IllegalArgumentException if prefetch is below 1
   */
  public DataLoader(BatchSource source, int prefetch) {
    this(source, prefetch, 1);
  }

  /**
   * Makes a loader and starts its threads.
   *
   * @param source the batches, of which several are asked for at a time
   * @param prefetch how many may be ready ahead of their use, beside one for each thread, 1 or more
   * @param workers how many threads prepare batches, 1 or more
   * @throws IllegalArgumentException if prefetch or workers is below 1
   */
  public DataLoader(BatchSource source, int prefetch, int workers) {
    this(tasks(Objects.requireNonNull(source, "source")), prefetch, workers);
  }

  /**
   * Makes a loader of a stream's batches and starts its threads. The stream's source is gone
   * through by one of them at a time, and its functions are called by all.
   *
   * @param source the batches
   * @param prefetch how many may be ready ahead of their use, beside one for each thread, 1 or more
   * @param workers how many threads prepare batches, 1 or more
   * @throws IllegalArgumentException if prefetch or workers is below 1
   */
  public DataLoader(SampleStream<Batch> source, int prefetch, int workers) {
    this(Objects.requireNonNull(source, "source").tasks(), prefetch, workers);
  }

  private DataLoader(Iterator<Supplier<Batch>> tasks, int prefetch, int workers) {
    atLeastOne("prefetch", prefetch);
    atLeastOne("workers", workers);
    this.tasks = tasks;
    this.ahead = prefetch + workers;
    this.threads =
        IntStream.range(0, workers)
            .mapToObj(i -> new Thread(this::work, "jbatchnorm-data-loader-" + i))
            .toList();
    threads.forEach(
        thread -> {
          thread.setDaemon(true);
          thread.start();
        });
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("%s: expected 1 or more, got %s".formatted(name, value));
    }
  }

  private static Iterator<Supplier<Batch>> tasks(BatchSource source) {
    return new Iterator<>() {
      private int index;

      @Override
      public boolean hasNext() {
        return index < source.count();
      }

      @Override
      public Supplier<Batch> next() {
        int at = index++;
        return () -> source.batch(at);
      }
    };
  }

  private void work() {
    try {
      for (Task task = take(); task != null; task = take()) {
        put(task.number, prepared(task.batch));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the loader was closed
    }
  }

  /** Returns the next task, or null where there is none any more. */
  private @Nullable Task take() throws InterruptedException {
    synchronized (source) {
      if (!awaitRoom()) {
        return null;
      }
      try {
        return numbered(tasks.hasNext() ? tasks.next() : null);
      } catch (Throwable e) { // thrown again by next, on its caller's thread
        fail(e);
        return null;
      }
    }
  }

  private @Nullable Task numbered(@Nullable Supplier<Batch> task) {
    synchronized (lock) {
      lock.notifyAll();
      ended |= task == null;
      return task == null ? null : new Task(taken++, task);
    }
  }

  private void fail(Throwable failure) {
    synchronized (lock) {
      ready.put(taken++, new Prepared(null, failure));
      ended = true;
      lock.notifyAll();
    }
  }

  private boolean awaitRoom() throws InterruptedException {
    synchronized (lock) {
      while (!closed && !ended && taken - next >= ahead) {
        lock.wait();
      }
      return !closed && !ended;
    }
  }

  private static Prepared prepared(Supplier<Batch> batch) {
    try {
      Prepared prepared = new Prepared(MemoryScope.detached(batch), null);
      return Thread.interrupted() // by the source, or by close, which ends this as well
          ? new Prepared(null, new InterruptedException("while a batch was prepared"))
          : prepared;
    } catch (Throwable e) { // thrown again by next, on its caller's thread
      Thread.interrupted();
      return new Prepared(null, e);
    }
  }

  private void put(int number, Prepared prepared) {
    synchronized (lock) {
      if (!closed) {
        ready.put(number, prepared);
        lock.notifyAll();
      }
    }
  }

  /**
   * Returns whether there is another batch; waits until the source says so.
   *
   * @throws IllegalStateException if the thread is interrupted while it waits
   */
  @Override
  public boolean hasNext() {
    synchronized (lock) {
      await(() -> ended || taken > next);
      return !closed && taken > next;
    }
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
    Prepared prepared;
    synchronized (lock) {
      await(() -> ready.containsKey(next));
      prepared = ready.remove(next);
      if (prepared == null) {
        throw new NoSuchElementException("the loader was closed");
      }
      next++;
      lock.notifyAll();
    }
    if (prepared.failure != null) {
      close();
    }
    return prepared.adopt();
  }

  /** Waits, with the lock, for something, or for the loader to be closed. */
  private void await(BooleanSupplier condition) {
    try {
      while (!closed && !condition.getAsBoolean()) {
        lock.wait(PATIENCE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a batch", e);
    }
  }

  /** Ends the threads, and any wait for a batch; those prepared in vain are dropped. */
  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      ready.clear();
      lock.notifyAll();
    }
    threads.forEach(Thread::interrupt);
  }
}
