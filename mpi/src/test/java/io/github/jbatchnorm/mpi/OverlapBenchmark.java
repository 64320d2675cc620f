package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.DataParallel;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Times forward and backward of six dense layers on each rank: alone, with gradients added up after
 * it, and while it goes on, in turn. Arguments: width of the layers, samples of a rank, rounds.
 */
final class OverlapBenchmark {
  private static final int LAYERS = 6;

  private OverlapBenchmark() {}

  /** Runs on the ranks of an mpirun. */
  public static void main(String[] args) {
    int width = Integer.parseInt(args[0]);
    int samples = Integer.parseInt(args[1]);
    int rounds = Integer.parseInt(args[2]);
    MpiCommunicator.run(ranks -> run(ranks, width, samples, rounds));
  }

  private static Layer network(int width) {
    SplittableRandom random = new SplittableRandom(1);
    Sequential.Builder network = Sequential.builder();
    for (int i = 0; i < LAYERS; i++) {
      network.add("dense" + i, new Dense(width, width, random)).add("relu" + i, Tensor::relu);
    }
    return network.build();
  }

  private static void run(Communicator ranks, int width, int samples, int rounds) {
    Layer network = network(width);
    DataParallel parallel = new DataParallel(network, ranks);
    float[] data = new float[samples * width];
    Arrays.fill(data, 0.5f);
    Tensor x = Tensor.of(data, samples, width).asConstant();
    Storage together = Storage.allocate(DType.F64, 1);
    double[][] times = new double[3][rounds];
    for (int round = -rounds; round < rounds; round++) {
      for (int way = 0; way < times.length; way++) {
        ranks.sum(together); // all begin at once
        long start = System.nanoTime();
        int chosen = way;
        MemoryScope.run(
            () -> step(parallel, network.forward(x, Mode.TRAINING).square().sum(), chosen));
        times[way][Math.max(0, round)] = (System.nanoTime() - start) / 1e6;
      }
    }
    for (double[] each : times) {
      Arrays.sort(each);
    }
    if (ranks.rank() == 0) {
      System.out.printf(
          Locale.ROOT,
          "%d ranks, %.1f MB of gradients: alone %.1f ms, added up after it %.1f, meanwhile %.1f%n",
          ranks.size(),
          LAYERS * (width + 1.0) * width * Float.BYTES / 1e6,
          times[0][rounds / 2],
          times[1][rounds / 2],
          times[2][rounds / 2]);
    }
  }

  private static void step(DataParallel parallel, Tensor loss, int way) {
    if (way == 2) {
      parallel.backward(loss);
      return;
    }
    loss.backward();
    if (way == 1) {
      parallel.addGradients();
    }
  }
}
