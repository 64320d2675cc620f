package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;

/**
 * Several places, ranks, that have a share of the same batch each: threads, processes or machines.
 * Whoever has a transport of their own implements it; {@code jbatchnorm-mpi} does over MPI.
 *
 * <p>Every method is collective: all ranks call the same ones in the same order, each from one
 * thread at a time, and a call returns once it has what it waits for.
 */
public interface Communicator {
  /** What a rank does. */
  @FunctionalInterface
  interface Body {
    /**
     * Does it.
     *
     * @param ranks all of them, of which this is one
     * @throws Exception which ends all ranks
     */
    void run(Communicator ranks) throws Exception;
  }

  /**
   * What ranks are started by: a service of {@link java.util.ServiceLoader}, for programs that take
   * whichever transport there is on the class path.
   */
  @FunctionalInterface
  interface Provider {
    /**
     * Runs what this rank does, once in a process.
     *
     * @param body what this rank does
     * @throws IllegalStateException if the transport does not start
     */
    void run(Body body);
  }

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
    beginSum(values).run();
  }

  /**
   * Begins {@link #sum}, and lets this rank go on meanwhile, as far as the transport can: the
   * default does all of it at the end.
   *
   * @param values as for sum; neither read nor changed by others until the end
   * @return the end, to be run once: waits until {@code values} are the sums. Ends are collective
   *     too, in the order of the beginnings
   * @throws IllegalArgumentException if the dtype is neither f32 nor f64
   */
  default Runnable beginSum(Storage values) {
    Sums.check(values);
    return () -> Sums.gathered(this, values);
  }

  /**
   * Checks that all ranks say the same, before what would end in confusion if they did not.
   *
   * @param what it is about, as "network"
   * @param terms parts of "name value" with ", " between them
   * @throws IllegalArgumentException on all ranks, if they do not, naming the first difference
   */
  default void agree(String what, String terms) {
    Agreement.on(this, what, 0, terms);
  }

  /**
   * Tells all ranks, which wait for a batch norm of this one or in {@link #agree}, that it cannot
   * take part: each of them throws an exception that says why.
   *
   * @param why the reason
   * @return the exception to be thrown here, which names this rank too
   */
  default IllegalArgumentException refusal(IllegalArgumentException why) {
    return Agreement.refused(this, why);
  }
}
