package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import io.github.jbatchnorm.nn.models.ResNet;
import java.util.SplittableRandom;

/** The benchmark's networks in this library. */
final class OurNetworks {
  private static final int[] CHANNELS = {1, 16, 32, 64};
  private static final int FEATURES = 64 * 3 * 3;

  private OurNetworks() {}

  static NetworkBenchmark.Step create(NetworkBenchmark.Network of) {
    Sequential network =
        of == NetworkBenchmark.Network.DEMO
            ? demo()
            : ResNet.resNet20(NetworkBenchmark.CLASSES, 1);
    Sgd sgd = new Sgd(network.parameters(), NetworkBenchmark.RATE, NetworkBenchmark.MOMENTUM);
    return (pixels, labels) ->
        MemoryScope.run(
            () -> {
              Tensor x =
                  Tensor.of(pixels, labels.length, of.channels, of.side, of.side).asConstant();
              Losses.softmaxCrossentropy(network.forward(x, Mode.TRAINING), labels).backward();
              sgd.step();
            });
  }

  private static Sequential demo() {
    SplittableRandom random = new SplittableRandom(1);
    Sequential.Builder builder = Sequential.builder();
    for (int i = 1; i < CHANNELS.length; i++) {
      Conv.Builder conv = Conv.builder(CHANNELS[i - 1], CHANNELS[i], 3, 3).withoutBias();
      builder.add("conv" + i, conv.options(ConvOptions.DEFAULT.withPadding(1)).build(random));
      BatchNormOptions relu = BatchNormOptions.DEFAULT.withRelu();
      builder.add("bn" + i, BatchNorm.builder(CHANNELS[i]).options(relu).build());
      builder.add("pool" + i, x -> Functions.maxPool(x, 2, 2));
    }
    builder.add("flatten", x -> x.reshape(x.dim(0), -1));
    builder.add("fc", new Dense(FEATURES, NetworkBenchmark.CLASSES, random));
    return builder.build();
  }
}
