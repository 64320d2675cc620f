package io.github.jbatchnorm.nn.models;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Residual networks for small images (He et al., 2016, section 4.2). */
public final class ResNet {
  private static final int COLORS = 3;
  private static final int[] CHANNELS = {16, 32, 64};

  private ResNet() {}

  /**
   * {@return ResNet-20 for images of shape (N, 3, H, W), with scores of shape (N, classes)}
   *
   * @param classes how many scores there are
   * @param seed of the weights
   */
  public static Sequential resNet20(int classes, long seed) {
    return create(3, classes, seed);
  }

  /**
   * {@return a network of 6 blocks + 2 layers: ResNet-20 has 3 blocks a stage, ResNet-56 has 9}
   *
   * @param blocks of each of the three stages, 1 or more
   * @param classes how many scores there are
   * @param seed of the weights
   * @throws IllegalArgumentException if blocks is below 1
   */
  public static Sequential create(int blocks, int classes, long seed) {
    if (blocks < 1) {
      throw new IllegalArgumentException("blocks: expected 1 or more, got " + blocks);
    }
    RandomGenerator random = new SplittableRandom(seed);
    Sequential.Builder network = Sequential.builder();
    network.add("conv1", ResidualBlock.conv(COLORS, CHANNELS[0], 1, random));
    network.add(
        "bn1", BatchNorm.builder(CHANNELS[0]).options(BatchNormOptions.DEFAULT.withRelu()).build());
    int in = CHANNELS[0];
    for (int stage = 0; stage < CHANNELS.length; stage++) {
      Sequential.Builder layer = Sequential.builder();
      for (int block = 0; block < blocks; block++) {
        int stride = stage > 0 && block == 0 ? 2 : 1;
        layer.add(Integer.toString(block), new ResidualBlock(in, CHANNELS[stage], stride, random));
        in = CHANNELS[stage];
      }
      network.add("layer" + (stage + 1), layer.build());
    }
    return network
        .add("pool", Functions::globalAvgPool)
        .add("fc", new Dense(in, classes, random))
        .build();
  }
}
