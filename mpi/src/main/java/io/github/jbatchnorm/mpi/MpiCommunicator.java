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
  private final MpiSums sums;

  private MpiCommunicator(int rank, int size) {
    this.rank = rank;
    this.size = size;
    this.sums = new MpiSums(rank, size);
  }

  /** Starts the ranks of a program that does not know of MPI. */
  public static final class Starter implements Communicator.Provider {
    /** For java.util.ServiceLoader. */
    public Starter() {}

    @Override
    public void run(Body body) {
      MpiCommunicator.run(body);
    }
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
    check("MPI_Comm_dup", Mpi.jbm_prepare());
    MpiCommunicator ranks = new MpiCommunicator(Mpi.jbm_rank(), Mpi.jbm_size());
    try {
      body.run(ranks);
      if (ranks.sums.areOpen()) {
        throw new IllegalStateException("beginSum: expected that each sum is ended");
      }
    } catch (Exception | Error e) {
      PrintStream out = System.err;
      out.println("rank %s of %s ends all:".formatted(ranks.rank, ranks.size));
      e.printStackTrace(out);
      out.flush();
      Mpi.jbm_abort(1);
    }
    check("MPI_Finalize", Mpi.jbm_finalize());
  }

  static void check(String call, int code) {
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
    check("MPI_Allgatherv", Mpi.jbm_all_gather(own, all, lengths, MpiSums.offsets(lengths)));
    sums.progress();
  }

  /**
   * {@inheritDoc}
   *
   * <p>Each rank adds up a part, and gives it to all: twice the bytes of values cross the network.
   * Ends are run in the order of beginnings.
   */
  @Override
  public Runnable beginSum(Storage values) {
    if (values.dtype() != DType.F32 && values.dtype() != DType.F64) {
      throw new IllegalArgumentException("values: expected F32 or F64, got " + values.dtype());
    }
    return sums.begin(values);
  }
}
