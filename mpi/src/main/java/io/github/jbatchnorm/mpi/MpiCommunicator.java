package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.mpi.binding.Mpi;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * All processes that one mpirun has started: {@code MPI_COMM_WORLD}. One a process, from {@link
 * #world}; closed, at the end of the program, once all ranks are done.
 *
 * <pre>{@code
 * try (MpiCommunicator ranks = MpiCommunicator.world()) {
 *   BatchNorm.builder(64).synchronizedBy(ranks) ...
 * }
 * }</pre>
 *
 * <p>What an exception ends on one rank has to end on all, which wait for it: let it leave main, or
 * call {@link #abort}; mpirun ends the others then, as it does where a process is killed.
 */
public final class MpiCommunicator implements Communicator, AutoCloseable {
  private final int rank;
  private final int size;
  private boolean closed;

  private MpiCommunicator(int rank, int size) {
    this.rank = rank;
    this.size = size;
  }

  /**
   * Starts MPI, unless it is.
   *
   * @return all processes
   * @throws IllegalStateException if MPI does not start, or stands no threads
   */
  public static MpiCommunicator world() {
    check("MPI_Init_thread", Mpi.jbm_init());
    if (Mpi.jbm_stands_threads() == 0) {
      throw new IllegalStateException("MPI: expected MPI_THREAD_SERIALIZED, got less");
    }
    check("MPI_Comm_set_errhandler", Mpi.jbm_return_errors());
    return new MpiCommunicator(Mpi.jbm_rank(), Mpi.jbm_size());
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

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("ranks: closed");
    }
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
    checkOpen();
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
    checkOpen();
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

  /**
   * Ends all ranks at once.
   *
   * @param code the exit status that mpirun has then
   */
  public void abort(int code) {
    Mpi.jbm_abort(code);
  }

  /** Ends MPI, once all ranks have come here. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("MPI_Finalize", Mpi.jbm_finalize());
    }
  }
}
