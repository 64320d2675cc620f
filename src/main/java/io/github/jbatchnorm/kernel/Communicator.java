package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Several places, ranks, that have a share of the same batch each: threads, processes or machines.
 * Whoever has a transport of their own implements it; {@code jbatchnorm-mpi} does over MPI.
 *
 * <p>Every method is collective: all ranks call the same ones in the same order, each from one
 * thread at a time, and a call returns once it has what it waits for.
 */
public interface Communicator {
  /** {@return which rank this is, from 0} */
  int rank();

  /** {@return how many ranks there are} */
  int size();

  /**
   * Gives every rank's bytes to every rank.
   *
   * @param own what this rank has to say: as many bytes as {@code lengths} has for it, direct
   * @param lengths the bytes of each rank, the same on all
   * @param all output, direct: what all say, rank 0 first, one after the other
   * @throws IllegalStateException if a rank is not there any more
   */
  void allGather(ByteBuffer own, int[] lengths, ByteBuffer all);

  /**
   * Adds up the elements of all ranks, one by one, in f64 and in the order of ranks, and gives the
   * sums, rounded once, to all: the same bits on each, and in each run.
   *
   * @param values input and output, f32 or f64, of the same length and dtype on all ranks
   * @throws IllegalArgumentException if the dtype is neither
   * @throws IllegalStateException if a rank is not there any more
   */
  default void sum(Storage values) {
    int bytes = values.dtype().bytes();
    int[] lengths = new int[size()];
    int most = 1 << 16;
    ByteBuffer all =
        ByteBuffer.allocateDirect(
                Math.multiplyExact(size() * Math.min(most, values.length()), bytes))
            .order(ByteOrder.nativeOrder());
    for (int from = 0; from < values.length(); from += most) {
      Storage part = values.slice(from, Math.min(most, values.length() - from));
      Arrays.fill(lengths, part.length() * bytes);
      allGather(part.bytes(), lengths, all.duplicate().limit(size() * part.length() * bytes));
      Storage gathered = Storage.wrap(part.dtype(), all);
      for (int i = 0; i < part.length(); i++) {
        double sum = gathered.get(i);
        for (int rank = 1; rank < size(); rank++) {
          sum += gathered.get(rank * part.length() + i);
        }
        part.set(i, sum);
      }
    }
  }

  /**
   * Tells all ranks, which wait for a batch norm of this one, that it cannot take part: each of
   * them throws an exception that says why. For what is checked before a kernel is called.
   *
   * @param why the reason
   * @return the exception to be thrown here, which names this rank too
   */
  default IllegalArgumentException refusal(IllegalArgumentException why) {
    return Agreement.refused(this, why);
  }
}
