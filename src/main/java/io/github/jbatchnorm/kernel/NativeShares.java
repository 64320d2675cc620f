package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.memory.NativeCall;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/** What the native kernel says of a share of a batch, and hears of the others (jbatchnorm.h). */
final class NativeShares {
  /** A call of the C ABI on its arguments and a jbn_share_args. */
  @FunctionalInterface
  interface Call {
    int run(long arguments, long share);
  }

  private final Shared shared;
  private final Supplier<NativeCall> arguments;
  private final ByteBuffer counts;
  private final ByteBuffer state;
  private final ByteBuffer bytes;

  /**
   * Prepares for messages.
   *
   * @param arguments puts the call's arguments, without the size
   * @param numbers how many there are in the state
   */
  NativeShares(Shared shared, Supplier<NativeCall> arguments, int numbers) {
    this.shared = shared;
    this.arguments = arguments;
    int size = shared.counts().length;
    counts = Agreement.direct(size * Long.BYTES);
    counts.asLongBuffer().put(shared.counts());
    bytes = Agreement.direct(size * Long.BYTES);
    state = Agreement.direct(Math.multiplyExact(numbers, Double.BYTES));
  }

  /** Returns the address of the state: what backward has found. */
  long state() {
    return address(state);
  }

  /** Says and hears what there is, once; returns whether there is more. */
  boolean exchange(Call sizes, Call write, Call join) {
    Communicator ranks = shared.ranks();
    NativeKernel.check(call(sizes, null, null));
    int[] lengths = new int[ranks.size()];
    for (int rank = 0; rank < lengths.length; rank++) {
      lengths[rank] = Math.toIntExact(bytes.getLong(rank * Long.BYTES));
    }
    ByteBuffer own = Agreement.direct(lengths[ranks.rank()]);
    NativeKernel.check(call(write, own, null));
    long all = Arrays.stream(lengths).asLongStream().sum();
    if (all > Integer.MAX_VALUE) {
      throw new IllegalStateException(
          "ranks: their messages are past 2 GiB together, %s bytes".formatted(all));
    }
    ByteBuffer messages = Agreement.direct((int) all);
    ranks.allGather(own, lengths, messages);
    int status = call(join, null, messages);
    if (status != Abi.JBN_AGAIN) {
      NativeKernel.check(status);
    }
    return status == Abi.JBN_AGAIN;
  }

  private int call(Call function, ByteBuffer message, ByteBuffer messages) {
    NativeCall call = arguments.get();
    long first = call.structure();
    int from = call.fields();
    call.integer(0)
        .integer(shared.counts().length)
        .integer(shared.ranks().rank())
        .integer(address(counts))
        .integer(address(state))
        .integer(address(bytes))
        .integer(address(message))
        .integer(address(messages));
    int status = function.run(first, call.structure(from));
    call.end();
    return status;
  }

  /** Returns where a buffer lies; something aligned where it is empty, 0 where there is none. */
  private long address(ByteBuffer buffer) {
    if (buffer == null) {
      return 0;
    }
    return new Pointer(buffer.capacity() == 0 ? counts : buffer).address();
  }
}
