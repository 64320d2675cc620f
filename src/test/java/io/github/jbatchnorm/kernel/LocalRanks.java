package io.github.jbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Ranks that are threads of this JVM. */
public final class LocalRanks {
  private final ByteBuffer[] said;
  private final CyclicBarrier barrier;

  private LocalRanks(int size) {
    said = new ByteBuffer[size];
    barrier = new CyclicBarrier(size);
  }

  /** Returns a rank that has no others. */
  public static Communicator alone() {
    return new LocalRanks(1).new Rank(0);
  }

  /** Runs a body on each rank, at the same time; what they return, rank 0 first. */
  public static <R> List<R> run(int size, Function<Communicator, R> body) {
    LocalRanks ranks = new LocalRanks(size);
    ExecutorService threads = Executors.newFixedThreadPool(size);
    try {
      List<Callable<R>> bodies = new ArrayList<>();
      for (int rank = 0; rank < size; rank++) {
        Communicator own = ranks.new Rank(rank);
        bodies.add(() -> body.apply(own));
      }
      List<R> results = new ArrayList<>();
      for (Future<R> result : threads.invokeAll(bodies, 60, TimeUnit.SECONDS)) {
        results.add(result.get());
      }
      return results;
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
  }

  private final class Rank implements Communicator {
    private final int rank;

    Rank(int rank) {
      this.rank = rank;
    }

    @Override
    public int rank() {
      return rank;
    }

    @Override
    public int size() {
      return said.length;
    }

    @Override
    public void allGather(ByteBuffer own, int[] lengths, ByteBuffer all) {
      if (own.remaining() != lengths[rank]) {
        throw new AssertionError("says %s bytes, not %s".formatted(own.remaining(), lengths[rank]));
      }
      said[rank] = own.duplicate();
      await();
      ByteBuffer to = all.duplicate();
      for (ByteBuffer one : said) {
        to.put(one.duplicate());
      }
      if (to.hasRemaining()) {
        throw new AssertionError("%s bytes are not written".formatted(to.remaining()));
      }
      await();
    }

    private void await() {
      try {
        barrier.await(30, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new IllegalStateException("a rank is not there", e);
      }
    }
  }
}
