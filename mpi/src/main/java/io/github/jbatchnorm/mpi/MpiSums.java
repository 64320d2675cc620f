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
import org.jspecify.annotations.Nullable;

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

  /** Whether a call of MPI's has failed: which others have ended is not known then. */
  private boolean broken;

  MpiSums(int rank, int size) {
    this.rank = rank;
    this.size = size;
  }

  private void check(String call, int code) {
    broken |= code != 0;
    MpiCommunicator.check(call, code);
  }

  private void checkWhole() {
    if (broken) {
      throw new IllegalStateException("ranks: a sum has failed before, so that none can follow");
    }
  }

  /** Begins; returns what ends it. */
  Runnable begin(Storage values) {
    checkWhole();
    Sum sum = new Sum(values);
    open.add(sum);
    progress();
    return () -> end(sum);
  }

  /** Whether there are some that were not ended. */
  boolean areOpen() {
    return !open.isEmpty();
  }

  /** Goes on with what has arrived: no sum ahead of one that was begun before. */
  void progress() {
    checkWhole();
    for (Sum sum : open) {
      if (!sum.goesOn(false)) {
        return;
      }
    }
  }

  private void end(Sum sum) {
    checkWhole();
    if (open.peek() != sum) {
      throw new IllegalStateException("beginSum: expected ends in the order of beginnings, once");
    }
    sum.goesOn(true);
    progress(); // the others' parts may be here too
    open.remove();
    sum.end();
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

  /**
   * One of them: all say how much they have, each gets its part of all, and gives its sum to all.
   * MPI's memory stays what it is, also where the values' scope is closed.
   */
  private final class Sum {
    private final DType dtype;
    private final ByteBuffer values;
    private final ByteBuffer said = ByteBuffer.allocateDirect(Integer.BYTES);
    private final ByteBuffer heard = ByteBuffer.allocateDirect(Integer.BYTES * size);
    private final int[] parts = new int[size]; // bytes of each rank's
    private ByteBuffer room = said; // until there is one

    /** The call of MPI's that goes on, or was the last. */
    private long call;

    private boolean isScattered;
    private boolean isGathering;
    private @Nullable IllegalArgumentException refusal;

    Sum(Storage storage) {
      dtype = storage.dtype();
      values = storage.bytes();
      said.putInt(0, dtype == DType.F64 ? -storage.length() : storage.length());
      int[] one = new int[size];
      Arrays.fill(one, Integer.BYTES);
      gather(0, said, heard, one);
    }

    /** Begins whatever follows what has ended; returns whether sums are on their way to all. */
    boolean goesOn(boolean waits) {
      while (!isGathering && refusal == null) {
        if (!hasEnded(waits)) {
          return false;
        }
        if (isScattered) {
          isGathering = true;
          Storage own = add(Storage.wrap(dtype, room), size);
          gather(1, own.bytes(), values, parts);
        } else {
          refusal = difference();
          isScattered = true;
          if (refusal == null) {
            scatter();
          }
        }
      }
      return true;
    }

    private @Nullable IllegalArgumentException difference() {
      for (int other = 1; other < size; other++) {
        if (heard.getInt(other * Integer.BYTES) != heard.getInt(0)) {
          return new IllegalArgumentException(
              "values: expected as many on all ranks, got %s on rank 0 and %s on rank %s"
                  .formatted(text(0), text(other), other));
        }
      }
      return null;
    }

    private String text(int other) {
      int length = heard.getInt(other * Integer.BYTES);
      return (length < 0 ? "F64 of " : "F32 of ") + Math.abs(length);
    }

    private void scatter() {
      int width = dtype.bytes();
      long length = values.remaining() / width;
      for (int i = 0; i < size; i++) {
        parts[i] = Math.toIntExact((length * (i + 1) / size - length * i / size) * width);
      }
      room = room((long) parts[rank] * size);
      int[] same = new int[size];
      Arrays.fill(same, parts[rank]);
      long[] begun = new long[1];
      check(
          "MPI_Ialltoallv",
          Mpi.jbm_begin_all_to_all(
              values, parts, offsets(parts), room, same, offsets(same), begun));
      call = begun[0];
    }

    private void gather(int sums, ByteBuffer own, ByteBuffer all, int... lengths) {
      long[] begun = new long[1];
      check(
          "MPI_Iallgatherv",
          Mpi.jbm_begin_all_gather(sums, own, all, lengths, offsets(lengths), begun));
      call = begun[0];
    }

    private boolean hasEnded(boolean waits) {
      if (waits) {
        await();
        return true;
      }
      int[] ended = new int[1];
      check("MPI_Test", Mpi.jbm_test(call, ended));
      return ended[0] != 0;
    }

    private void await() {
      check("MPI_Wait", Mpi.jbm_wait(call));
    }

    void end() {
      if (refusal != null) {
        throw refusal;
      }
      await();
      spares(room.capacity()).push(room.clear());
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
