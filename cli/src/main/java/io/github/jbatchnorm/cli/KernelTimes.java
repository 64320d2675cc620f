package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.NativeArrays;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Times one shape: the three operations and, in the same rounds, a copy of x to y. Medians over the
 * rounds.
 *
 * @param copy seconds of the copy: the better of both of the native kernel's, or the JDK's beside
 *     the Java kernel
 * @param forward seconds of a forward pass with the batch's statistics
 * @param backward seconds of a backward pass
 * @param inference seconds of a forward pass with given statistics
 */
record KernelTimes(double copy, double forward, double backward, double inference) {
  private static final double EPS = 1e-5;
  private static final long SECOND = 1_000_000_000;

  /** Nanoseconds that one measurement takes at least, so that the clock's grain does not show. */
  private static final long LEAST = SECOND / 100;

  static KernelTimes measure(BatchNormKernel kernel, BatchNormShape shape, int rounds) {
    Data data = new Data(shape);
    Runnable[] tasks = {
      () -> data.copy(false),
      () -> data.copy(true),
      () -> data.forward(kernel),
      () -> data.backward(kernel),
      () -> data.inference(kernel)
    };
    int[] calls = Arrays.stream(tasks).mapToInt(KernelTimes::callsFor).toArray();
    double[][] seconds = new double[tasks.length][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < tasks.length; i++) {
        seconds[i][round] = time(tasks[i], calls[i]) / (double) SECOND / calls[i];
      }
    }
    double[] medians = Arrays.stream(seconds).mapToDouble(KernelTimes::median).toArray();
    return new KernelTimes(Math.min(medians[0], medians[1]), medians[2], medians[3], medians[4]);
  }

  /** Warms up and finds how many calls take long enough to be timed. */
  private static int callsFor(Runnable task) {
    int calls = 1;
    while (time(task, calls) < LEAST) {
      calls *= 2;
    }
    return calls;
  }

  private static long time(Runnable task, int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      task.run();
    }
    return System.nanoTime() - start;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** The arguments of all calls. */
  private static final class Data {
    private final BatchNormShape shape;
    private final Storage x;
    private final Storage dy;
    private final Storage y;
    private final Storage dx;
    private final Storage gamma;
    private final Storage beta;
    private final Storage mean;
    private final Storage var;
    private final Storage saved;
    private final Storage dGamma;
    private final Storage dBeta;

    Data(BatchNormShape shape) {
      this.shape = shape;
      RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
      x = random(shape, random);
      dy = random(shape, random);
      y = Storage.allocate(shape.dtype(), shape.size());
      dx = Storage.allocate(shape.dtype(), shape.size());
      gamma = filled(shape, 1.5);
      beta = filled(shape, 0.5);
      mean = filled(shape, 0);
      var = filled(shape, 1);
      dGamma = filled(shape, 0);
      dBeta = filled(shape, 0);
      saved = Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
    }

    private static Storage random(BatchNormShape shape, RandomGenerator random) {
      Storage storage = Storage.allocate(shape.dtype(), shape.size());
      for (int i = 0; i < storage.length(); i++) {
        storage.set(i, random.nextGaussian());
      }
      return storage;
    }

    private static Storage filled(BatchNormShape shape, double value) {
      Storage storage = Storage.allocate(shape.dtype().parameters(), shape.c());
      for (int c = 0; c < shape.c(); c++) {
        storage.set(c, value);
      }
      return storage;
    }

    void copy(boolean pastCaches) {
      if (ArrayKernels.current() instanceof NativeArrays arrays) {
        arrays.copy(x, y, pastCaches);
      } else {
        y.copyFrom(x);
      }
    }

    void forward(BatchNormKernel kernel) {
      kernel.forward(shape, x, gamma, beta, EPS, y, mean, var, saved);
    }

    void backward(BatchNormKernel kernel) {
      kernel.backward(shape, x, dy, gamma, saved, EPS, dx, dGamma, dBeta);
    }

    void inference(BatchNormKernel kernel) {
      kernel.infer(shape, x, gamma, beta, mean, var, EPS, y);
    }
  }
}
