package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.kernel.MessageMemory.Use;
import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;
import java.lang.ref.Reference;
import java.nio.LongBuffer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the native kernel says of a share of a batch, and hears of the others (jbatchnorm.h). Memory
 * is in numbers of 8 bytes.
 */
final class NativeShares implements AutoCloseable {
  /** A call of the C ABI on its arguments and a jbn_share_args. */
  @FunctionalInterface
  interface Call {
    int run(long arguments, long share);
  }

  private final Shared shared;
  private final Supplier<NativeCall> arguments;
  private final MessageMemory memory = MessageMemory.take();
  private final Storage counts;
  private final Storage lengths;
  private final Storage state;

  /**
   * Prepares for messages.
   *
   * @param arguments puts the call's arguments, without the size
   * @param numbers how many there are in the state
   */
  NativeShares(Shared shared, Supplier<NativeCall> arguments, long numbers) {
    this.shared = shared;
    this.arguments = arguments;
    int size = shared.counts().length;
    counts = memory.of(Use.COUNTS, size);
    lengths = memory.of(Use.LENGTHS, size);
    counts.bytes().asLongBuffer().put(shared.counts());
    state = memory.of(Use.STATE, Math.toIntExact(numbers));
    state.doubles().put(new double[state.length()]);
  }

  /** Returns the state: what backward has found. */
  Storage state() {
    return state;
  }

  /** Says and hears what there is, once; returns whether there is more. */
  boolean exchange(Call sizes, Call write, Call join) {
    Communicator ranks = shared.ranks();
    NativeKernel.check(call(sizes, null, null));
    LongBuffer bytes = lengths.bytes().asLongBuffer();
    int[] each = new int[ranks.size()];
    long all = 0;
    for (int rank = 0; rank < each.length; rank++) {
      all += bytes.get(rank);
      if (all > Integer.MAX_VALUE) {
        throw new IllegalStateException(
            "ranks: expected messages of less than 2 GiB together, got more by rank " + rank);
      }
      each[rank] = (int) bytes.get(rank);
    }
    Storage message = memory.of(Use.OWN_SUMS, each[ranks.rank()] / Double.BYTES);
    Storage messages = memory.of(Use.ALL_SUMS, (int) all / Double.BYTES);
    NativeKernel.check(call(write, message, null));
    ranks.allGather(
        message.bytes().limit(each[ranks.rank()]), each, messages.bytes().limit((int) all));
    int status = call(join, null, messages);
    if (status != Abi.JBN_AGAIN) {
      NativeKernel.check(status);
    }
    return status == Abi.JBN_AGAIN;
  }

  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  private int call(Call function, @Nullable Storage message, @Nullable Storage messages) {
    NativeCall call = arguments.get();
    long first = call.structure();
    int from = call.fields();
    call.integer(0)
        .integer(shared.counts().length)
        .integer(shared.ranks().rank())
        .storage(counts)
        .storage(state)
        .storage(lengths)
        .storage(message)
        .storage(messages);
    int status = function.run(first, call.structure(from));
    Reference.reachabilityFence(this);
    call.end();
    return status;
  }

  @Override
  public void close() {
    memory.close();
  }
}
