package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Parallel;
import org.jspecify.annotations.Nullable;

/**
 * The kernel in plain Java: the reference that the native kernel is tested against, and the kernel
 * of machines that have no native library. It keeps the contract of docs/numerics.md to the bit. A
 * thread takes some channels, and their rows a piece at a time through arrays on the heap, whose
 * loops the JVM's compiler makes vectors of.
 */
final class JavaKernel implements BatchNormKernel {
  /** Computes the channels up to {@code end}. */
  @FunctionalInterface
  private interface Channels {
    void run(int channel, int end);
  }

  @Override
  public String name() {
    return "java";
  }

  @Override
  public void forward(ForwardArguments a) {
    if (a.ranks != null) {
      Shared shared = Shared.forward(a);
      a.total = shared.total();
      new GatheredBatch(this, shared, a.shape).forward(a);
      return;
    }
    Checks.forward(a);
    ChannelRows rows = new ChannelRows(a.shape);
    run(a.shape, rows, (channel, end) -> new JavaForward(a, rows).run(channel, end));
  }

  @Override
  public void backward(BackwardArguments a) {
    if (a.ranks != null) {
      new GatheredBatch(this, Shared.backward(a), a.shape).backward(a);
      return;
    }
    Checks.backward(a);
    ChannelRows rows = new ChannelRows(a.shape);
    run(a.shape, rows, (channel, end) -> new JavaBackward(a, rows).run(channel, end));
  }

  @Override
  public void second(SecondArguments a) {
    Checks.second(a);
    ChannelRows rows = new ChannelRows(a.shape);
    run(a.shape, rows, (channel, end) -> new JavaSecond(a, rows).run(channel, end));
  }

  private static void run(BatchNormShape shape, ChannelRows rows, Channels channels) {
    int width = rows.channelsTogether();
    int blocks = (shape.c() + width - 1) / width;
    int parts = Math.min(blocks, Math.max(1, shape.size() / Parallel.RANGE));
    Parallel.run(
        parts,
        part -> {
          int last = (int) ((long) blocks * (part + 1) / parts);
          for (int block = (int) ((long) blocks * part / parts); block < last; block++) {
            channels.run(block * width, Math.min(shape.c(), (block + 1) * width));
          }
        });
  }

  static double valueOr(@Nullable Storage storage, int c, double otherwise) {
    return storage == null ? otherwise : storage.get(c);
  }
}
