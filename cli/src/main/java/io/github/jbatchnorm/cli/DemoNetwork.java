package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * The network that is trained: three times convolution, batch norm, relu and pooling, then a dense
 * layer. Without batch norm, the convolutions have a bias in its place; the weights begin the same.
 */
final class DemoNetwork {
  private static final int FIRST = 16;
  private static final int SECOND = 32;
  private static final int THIRD = 64;
  private static final int KERNEL = 3;

  private DemoNetwork() {}

  /** Returns the network for images of a size; eps is absent in the network without batch norm. */
  static Sequential create(TrainingImages images, OptionalDouble eps, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    Sequential.Builder network = Sequential.builder();
    addBlock(network, 1, images.colors(), FIRST, eps, random);
    addBlock(network, 2, FIRST, SECOND, eps, random);
    addBlock(network, 3, SECOND, THIRD, eps, random);
    int features = THIRD * (images.rows() / 8) * (images.columns() / 8);
    return network
        .add("flatten", x -> x.reshape(x.dim(0), features))
        .add("fc", new Dense(features, images.classes(), random))
        .build();
  }

  private static void addBlock(
      Sequential.Builder network,
      int number,
      int in,
      int out,
      OptionalDouble eps,
      RandomGenerator random) {
    Conv.Builder conv = Conv.builder(in, out, KERNEL, KERNEL);
    conv.options(ConvOptions.DEFAULT.withPadding(1));
    if (eps.isPresent()) {
      BatchNormOptions options = new BatchNormOptions(Layout.NCHW, eps.getAsDouble(), 0); // ReLU
      network.add("conv" + number, conv.withoutBias().build(random));
      network.add("bn" + number, BatchNorm.builder(out).options(options).build());
    } else {
      network.add("conv" + number, conv.relu().build(random));
    }
    network.add("pool" + number, x -> Functions.maxPool(x, 2, 2));
  }
}
