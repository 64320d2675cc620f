package io.github.jbatchnorm.platform;

import java.util.concurrent.ForkJoinPool;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs independent parts of one operation side by side, on as many threads as the native kernel
 * has.
 */
public final class Parallel {
  /** The smallest range worth a thread, in elements. */
  public static final int RANGE = 16384;

  private static final int MOST_RANGES = 64;

  /** Null until it was first needed. */
  private static volatile @Nullable ForkJoinPool shared;

  private Parallel() {}

  private static ForkJoinPool pool() {
    ForkJoinPool pool = shared;
    return pool == null ? make() : pool;
  }

  private static synchronized ForkJoinPool make() {
    ForkJoinPool pool = shared;
    if (pool == null) {
      pool = new ForkJoinPool(Settings.threads());
      shared = pool;
    }
    return pool;
  }

  /**
   * Runs {@code part} for 0 to {@code parts} - 1, in any order; returns when all are done. Once one
   * has thrown, those that have not begun are left out, and that is thrown after the others' end.
   */
  public static void run(int parts, IntConsumer part) {
    if (parts < 2 || OneThread.isWanted() || pool().getParallelism() == 1) {
      IntStream.range(0, parts).forEach(part);
      return;
    }
    Guarded guarded = new Guarded(part);
    pool().submit(() -> IntStream.range(0, parts).parallel().forEach(guarded)).join();
    guarded.rethrow();
  }

  /** Keeps the first exception of a part until all are done. */
  private static final class Guarded implements IntConsumer {
    private final IntConsumer part;
    private volatile @Nullable RuntimeException exception;
    private volatile @Nullable Error error;

    Guarded(IntConsumer part) {
      this.part = part;
    }

    @Override
    public void accept(int i) {
      if (exception != null || error != null) {
        return;
      }
      try {
        part.accept(i);
      } catch (RuntimeException e) {
        exception = e;
      } catch (Error e) { // thrown again, on the caller's thread
        error = e;
      }
    }

    void rethrow() {
      Error fatal = error;
      if (fatal != null) {
        throw fatal;
      }
      RuntimeException thrown = exception;
      if (thrown != null) {
        throw thrown;
      }
    }
  }

  /** One of so many parts. */
  @FunctionalInterface
  public interface Part {
    void run(int part, int parts);
  }

  /** Runs {@code part} for each of {@code parts}, in any order. */
  public static void run(int parts, Part part) {
    run(parts, i -> part.run(i, parts));
  }

  /** What is done for the elements from {@code from} up to {@code end}. */
  @FunctionalInterface
  public interface Range {
    void run(int from, int end);
  }

  /** Runs {@code action} over the elements 0 to {@code size} - 1 in ranges, in any order. */
  public static void ranges(int size, Range action) {
    int ranges = Math.max(1, Math.min(size / RANGE, MOST_RANGES));
    run(
        ranges,
        range ->
            action.run(
                (int) ((long) size * range / ranges), (int) ((long) size * (range + 1) / ranges)));
  }
}
