package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.mpi.binding.Mpi;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/**
 * All processes that one mpirun has started: {@code MPI_COMM_WORLD}.
 *
 * <pre>{@code
 * public static void main(String[] args) {
 *   MpiCommunicator.run(ranks -> {
 *     BatchNorm.builder(64).synchronizedBy(ranks) ...
 *   });
 * }
 * }</pre>
 */
public final class MpiCommunicator implements Communicator {
  private final int rank;
  private final int size;

  private MpiCommunicator(int rank, int size) {
    this.rank = rank;
    this.size = size;
  }

  /** What a rank does. */
  @FunctionalInterface
  public interface Body {
    /**
     * Does it.
     *
     * @param ranks all of them, of which this is one
     * @throws Exception which ends all ranks
     */
    void run(MpiCommunicator ranks) throws Exception;
  }

  /**
   * Starts MPI, runs what this rank does, and ends MPI once all ranks are done; once in a process.
   * What is thrown ends all ranks, which would wait for this one: its stack trace is printed, and
   * mpirun stops the others, as it does where a process is killed.
   *
   * @param body what this rank does
   * @throws IllegalStateException if MPI does not start, or stands no threads
   */
  public static void run(Body body) {
    Objects.requireNonNull(body, "body");
    check("MPI_Init_thread", Mpi.jbm_init());
    if (Mpi.jbm_stands_threads() == 0) {
      throw new IllegalStateException("MPI: expected MPI_THREAD_SERIALIZED, got less");
    }
    check("MPI_Comm_set_errhandler", Mpi.jbm_return_errors());
    MpiCommunicator ranks = new MpiCommunicator(Mpi.jbm_rank(), Mpi.jbm_size());
    try {
      body.run(ranks);
    } catch (Exception | Error e) {
      PrintStream out = System.err;
      out.println("rank %s of %s ends all:".formatted(ranks.rank, ranks.size));
      e.printStackTrace(out);
      out.flush();
      Mpi.jbm_abort(1);
    }
    check("MPI_Finalize", Mpi.jbm_finalize());
  }

  private static void check(String call, int code) {
    if (code != 0) {
      byte[] text = new byte[Mpi.JBM_TEXT];
      Mpi.jbm_error_text(code, text);
      throw new IllegalStateException(
          "%s: %s".formatted(call, new String(text, StandardCharsets.UTF_8).replace("\0", "")));
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  /** Where each part begins. */
  private static int[] offsets(int[] lengths) {
    int[] offsets = lengths.clone();
    Arrays.parallelPrefix(offsets, Math::addExact);
    for (int i = 0; i < lengths.length; i++) {
      offsets[i] -= lengths[i];
    }
    return offsets;
  }

  @Override
  public void allGather(ByteBuffer own, int[] lengths, ByteBuffer all) {
    if (lengths.length != size || own.remaining() != lengths[rank]) {
      throw new IllegalArgumentException(
          "lengths: expected %s with own's %s at rank %s, got %s"
              .formatted(size, own.remaining(), rank, Arrays.toString(lengths)));
    }
    int total = Arrays.stream(lengths).reduce(0, Math::addExact);
    if (all.remaining() < total) {
      throw new IllegalArgumentException(
          "all: expected %s bytes, got %s".formatted(total, all.remaining()));
    }
    check("MPI_Allgatherv", Mpi.jbm_all_gather(own, all, lengths, offsets(lengths)));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Each rank adds up a part, and gives it to all: twice the bytes of values cross the network.
   */
  @Override
  public void sum(Storage values) {
    if (values.dtype() != DType.F32 && values.dtype() != DType.F64) {
      throw new IllegalArgumentException("values: expected F32 or F64, got " + values.dtype());
    }
    int bytes = values.dtype().bytes();
    int[] parts = new int[size]; // bytes of each rank's part
    for (int i = 0; i < size; i++) {
      long from = (long) values.length() * i / size;
      parts[i] = Math.toIntExact(((long) values.length() * (i + 1) / size - from) * bytes);
    }
    int own = parts[rank];
    int[] same = new int[size];
    Arrays.fill(same, own);
    Storage received = Storage.scratch(values.dtype(), (long) own / bytes * size);
    check(
        "MPI_Alltoallv",
        Mpi.jbm_all_to_all(
            values.bytes(), parts, offsets(parts), received.bytes(), same, offsets(same)));
    Storage sums = Storage.scratch(values.dtype(), own / bytes);
    add(received, sums);
    check(
        "MPI_Allgatherv", Mpi.jbm_all_gather(sums.bytes(), values.bytes(), parts, offsets(parts)));
    sums.close();
    received.close();
  }

  /** Adds up what each rank has sent, in their order, rounded once. */
  private void add(Storage received, Storage sums) {
    int length = sums.length();
    for (int i = 0; i < length; i++) {
      double sum = received.get(i);
      for (int from = 1; from < size; from++) {
        sum += received.get(from * length + i);
      }
      sums.set(i, sum);
    }
  }
}
