package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.mpi.binding.Mpi;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Sums that were begun and go on. Each rank adds up a part, and gives it to all: twice the bytes of
 * the values cross the network. MPI moves on when it is called, so every call of the communicator
 * lets sums go on.
 */
final class MpiSums {
  /** Elements that are added up at a time. */
  private static final int BLOCK = 1 << 12;

  private final int rank;
  private final int size;

  /** Those that have not ended, in the order in which they were begun, the same on all ranks. */
  private final Deque<Sum> open = new ArrayDeque<>();

  /** Where ranks' parts of ended sums were, by capacity: for the next. */
  private final Map<Integer, Deque<ByteBuffer>> spare = new HashMap<>();

  MpiSums(int rank, int size) {
    this.rank = rank;
    this.size = size;
  }

  /** Begins; returns what ends it. */
  Runnable begin(Storage values) {
    Sum sum = new Sum(values);
    open.add(sum);
    progress();
    return () -> end(sum);
  }

  /** Whether there are some that were not ended. */
  boolean areOpen() {
    return !open.isEmpty();
  }

  /** Adds up what has arrived: no sum ahead of one that was begun before. */
  void progress() {
    for (Sum sum : open) {
      if (!sum.addsUp(false)) {
        return;
      }
    }
  }

  private void end(Sum sum) {
    if (open.peek() != sum) {
      throw new IllegalStateException("beginSum: expected ends in the order of beginnings, once");
    }
    sum.addsUp(true);
    progress(); // the others' parts may be here too
    open.remove();
    sum.await(sum.gathering);
    spares(sum.room.capacity()).push(sum.room.clear());
  }

  private Deque<ByteBuffer> spares(int capacity) {
    return spare.computeIfAbsent(capacity, key -> new ArrayDeque<>());
  }

  /** Returns memory of so many bytes, or as many as the next power of two. */
  private ByteBuffer room(long bytes) {
    int capacity =
        (int) Math.min(Integer.MAX_VALUE, Long.highestOneBit(Math.max(63, bytes - 1)) * 2);
    ByteBuffer room = spares(capacity).poll();
    return (room == null ? ByteBuffer.allocateDirect(capacity) : room)
        .limit(Math.toIntExact(bytes))
        .order(ByteOrder.nativeOrder());
  }

  /** Where each part begins. */
  static int[] offsets(int[] lengths) {
    int[] offsets = lengths.clone();
    Arrays.parallelPrefix(offsets, Math::addExact);
    for (int i = 0; i < lengths.length; i++) {
      offsets[i] -= lengths[i];
    }
    return offsets;
  }

  /** One of them. MPI's memory stays what it is, also where the values' scope is closed. */
  private final class Sum {
    private final int[] parts = new int[size]; // bytes of each rank's
    private final ByteBuffer values;
    private final ByteBuffer room;
    private final Storage received;
    private final long scattering;
    private long gathering;

    Sum(Storage storage) {
      int width = storage.dtype().bytes();
      for (int i = 0; i < size; i++) {
        long from = (long) storage.length() * i / size;
        parts[i] = Math.toIntExact(((long) storage.length() * (i + 1) / size - from) * width);
      }
      values = storage.bytes();
      room = room((long) parts[rank] * size);
      received = Storage.wrap(storage.dtype(), room);
      int[] same = new int[size];
      Arrays.fill(same, parts[rank]);
      long[] call = new long[1];
      MpiCommunicator.check(
          "MPI_Ialltoallv",
          Mpi.jbm_begin_all_to_all(values, parts, offsets(parts), room, same, offsets(same), call));
      scattering = call[0];
    }

    /** Adds up this rank's part and begins to give it to all, unless it has; returns whether. */
    boolean addsUp(boolean waits) {
      if (gathering != 0) {
        return true;
      }
      if (waits) {
        await(scattering);
      } else {
        int[] ended = new int[1];
        MpiCommunicator.check("MPI_Test", Mpi.jbm_test(scattering, ended));
        if (ended[0] == 0) {
          return false;
        }
      }
      Storage own = add(received, size);
      long[] call = new long[1];
      MpiCommunicator.check(
          "MPI_Iallgatherv",
          Mpi.jbm_begin_all_gather(own.bytes(), values, parts, offsets(parts), call));
      gathering = call[0];
      return true;
    }

    void await(long call) {
      MpiCommunicator.check("MPI_Wait", Mpi.jbm_wait(call));
    }
  }

  /** Adds up what each rank has sent, in their order, rounded once, in place of the first's. */
  private static Storage add(Storage received, int ranks) {
    Storage first = received.slice(0, received.length() / ranks);
    int length = first.length();
    float[] narrow = new float[BLOCK];
    double[] sums = new double[BLOCK];
    double[] terms = new double[BLOCK];
    for (int from = 0; from < length; from += BLOCK) {
      int count = Math.min(BLOCK, length - from);
      read(received, from, count, narrow, sums);
      for (int other = 1; other < ranks; other++) {
        read(received, other * length + from, count, narrow, terms);
        for (int i = 0; i < count; i++) {
          sums[i] += terms[i];
        }
      }
      write(first, from, count, narrow, sums);
    }
    return first;
  }

  private static void read(Storage storage, int from, int count, float[] narrow, double[] to) {
    if (storage.dtype() == DType.F64) {
      storage.doubles().get(from, to, 0, count);
      return;
    }
    storage.floats().get(from, narrow, 0, count);
    for (int i = 0; i < count; i++) {
      to[i] = narrow[i];
    }
  }

  private static void write(Storage storage, int to, int count, float[] narrow, double[] from) {
    if (storage.dtype() == DType.F64) {
      storage.doubles().put(to, from, 0, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      narrow[i] = (float) from[i];
    }
    storage.floats().put(to, narrow, 0, count);
  }
}
