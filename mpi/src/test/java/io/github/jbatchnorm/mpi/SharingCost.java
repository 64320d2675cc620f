package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What synchronizing costs a layer's forward and backward pass, beside the same pass on the share
 * alone, on the ranks that mpirun has started; and, from the time that gathering takes among them,
 * what it would cost among more ({@code docs/machines.md}).
 */
final class SharingCost {
  private static final int REPEATS = 60;
  private static final int[][] SHAPES = {
    {32, 64, 3136}, {32, 256, 784}, {32, 512, 196}, {32, 2048, 49}, {32, 1024, 1}, {256, 256, 1}
  };

  private SharingCost() {}

  public static void main(String[] args) {
    try (MpiCommunicator ranks = MpiCommunicator.world()) {
      double gather = median(() -> gather(ranks, 16));
      double more = median(() -> gather(ranks, 1 << 16));
      if (ranks.rank() == 0) {
        System.out.printf(
            Locale.ROOT,
            "%d ranks: 16 bytes of each gathered in %.1f us, 64 KiB in %.1f us%n",
            ranks.size(),
            gather,
            more);
      }
      for (int[] sizes : SHAPES) {
        BatchNormShape shape =
            new BatchNormShape(DType.F32, Layout.NCHW, sizes[0], sizes[1], sizes[2]);
        Layer layer = new Layer(shape);
        double alone = median(() -> layer.pass(null));
        double shared = median(() -> layer.pass(ranks));
        if (ranks.rank() == 0) {
          System.out.printf(
              Locale.ROOT,
              "%4d x %4d x %4d: alone %8.1f us, synchronized %8.1f us, %.2f%n",
              sizes[0],
              sizes[1],
              sizes[2],
              alone,
              shared,
              shared / alone);
        }
      }
    }
  }

  private static void gather(Communicator ranks, int bytes) {
    int[] lengths = new int[ranks.size()];
    Arrays.fill(lengths, bytes);
    ranks.allGather(
        ByteBuffer.allocateDirect(bytes), lengths, ByteBuffer.allocateDirect(bytes * ranks.size()));
  }

  /** Microseconds. */
  private static double median(Runnable body) {
    double[] times = new double[REPEATS];
    for (int i = -REPEATS; i < REPEATS; i++) {
      long start = System.nanoTime();
      body.run();
      if (i >= 0) {
        times[i] = (System.nanoTime() - start) / 1e3;
      }
    }
    Arrays.sort(times);
    return times[REPEATS / 2];
  }

  private static final class Layer {
    private final BatchNormShape shape;
    private final Storage x;
    private final Storage dy;
    private final Storage y;
    private final Storage dx;
    private final Storage saved;
    private final Storage dGamma;
    private final Storage dBeta;

    Layer(BatchNormShape shape) {
      this.shape = shape;
      x = Storage.allocate(DType.F32, shape.size());
      dy = Storage.allocate(DType.F32, shape.size());
      y = Storage.allocate(DType.F32, shape.size());
      dx = Storage.allocate(DType.F32, shape.size());
      saved = Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
      dGamma = Storage.allocate(DType.F32, shape.c());
      dBeta = Storage.allocate(DType.F32, shape.c());
      for (int i = 0; i < x.length(); i++) {
        x.set(i, i * 7919 % 1000 / 500.0 - 1);
        dy.set(i, i * 104729 % 1000 / 500.0 - 1);
      }
    }

    void pass(@Nullable Communicator ranks) {
      BatchNormOptions options = BatchNormOptions.DEFAULT;
      Kernels.current()
          .forward(new ForwardArguments(shape, options, x).y(y).saved(saved).sharedBy(ranks));
      Kernels.current()
          .backward(
              new BackwardArguments(shape, options, x, dy, saved)
                  .dx(dx)
                  .dGamma(dGamma)
                  .dBeta(dBeta)
                  .sharedBy(ranks));
    }
  }
}
