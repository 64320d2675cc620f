package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Communicator;
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
import org.jspecify.annotations.Nullable;

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

  /**
   * Returns the network for images of a size.
   *
   * @param eps absent in the network without batch norm
   * @param all the ranks whose samples batch norm's statistics are of, where there are several
   */
  static Sequential create(
      TrainingImages images, OptionalDouble eps, long seed, @Nullable Communicator all) {
    RandomGenerator random = new SplittableRandom(seed);
    Sequential.Builder network = Sequential.builder();
    addBlock(network, 1, images.colors(), FIRST, eps, all, random);
    addBlock(network, 2, FIRST, SECOND, eps, all, random);
    addBlock(network, 3, SECOND, THIRD, eps, all, random);
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
      @Nullable Communicator all,
      RandomGenerator random) {
    Conv.Builder conv = Conv.builder(in, out, KERNEL, KERNEL);
    conv.options(ConvOptions.DEFAULT.withPadding(1));
    if (eps.isPresent()) {
      BatchNormOptions options = new BatchNormOptions(Layout.NCHW, eps.getAsDouble(), 0); // ReLU
      network.add("conv" + number, conv.withoutBias().build(random));
      network.add(
          "bn" + number, BatchNorm.builder(out).options(options).synchronizedBy(all).build());
    } else {
      network.add("conv" + number, conv.relu().build(random));
    }
    network.add("pool" + number, x -> Functions.maxPool(x, 2, 2));
  }
}
