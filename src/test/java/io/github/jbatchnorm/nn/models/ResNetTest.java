package io.github.jbatchnorm.nn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.MemoryUse;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** ResNet-20's shape, and that it learns. */
class ResNetTest {
  private final Batch batch = ColorImages.draw(8, 1).inOrder(8).batch(0);

  @Test
  void resNet20HasThePapersParameters() {
    Sequential network = ResNet.resNet20(10, 1);
    long weights = 0;
    for (Tensor parameter : network.parameters().values()) {
      weights += parameter.size();
    }
    assertThat(weights).isEqualTo(269_722); // 0.27M in the paper
    assertThat(network.parameters())
        .containsKeys("conv1.weight", "layer2.0.bn1.weight", "layer3.2.conv2.weight", "fc.bias");
    assertThat(network.forward(batch.x(), Mode.EVALUATION).shape()).containsExactly(8, 10);
  }

  private static double step(Sequential network, Sgd sgd, Batch batch) {
    Tensor loss =
        Losses.softmaxCrossentropy(network.forward(batch.x(), Mode.TRAINING), batch.labels());
    loss.backward();
    sgd.step();
    return loss.item();
  }

  private static double[] train(Batch batch, int steps) {
    Sequential network = ResNet.create(1, 10, 1);
    Sgd sgd = new Sgd(network.parameters(), 0.05, 0.9);
    double[] losses = new double[steps];
    for (int i = 0; i < steps; i++) {
      int at = i;
      MemoryScope.run(() -> losses[at] = step(network, sgd, batch));
    }
    return losses;
  }

  @Test
  void trainingLowersTheLossAndIsReproducible() {
    double[] losses = train(batch, 12);
    assertThat(losses[11]).isLessThan(losses[0] / 2);
    assertThat(train(batch, 12)).isEqualTo(losses);
  }

  @Test
  void stepInAScopeTakesNoNewMemoryOnceWarm() {
    Sequential network = ResNet.create(1, 10, 1);
    Sgd sgd = new Sgd(network.parameters(), 0.05, 0.9);
    for (int i = 0; i < 3; i++) {
      MemoryScope.run(() -> step(network, sgd, batch));
    }
    MemoryUse before = MemoryUse.now();
    for (int i = 0; i < 5; i++) {
      MemoryScope.run(() -> step(network, sgd, batch));
    }
    MemoryUse after = MemoryUse.now();
    assertThat(after.allocations()).isEqualTo(before.allocations());
    assertThat(after.reuses()).isGreaterThan(before.reuses());
  }

  @Test
  void channelsOnlyGrow() {
    assertThatThrownBy(() -> new ResidualBlock(16, 8, 1, new SplittableRandom(1)))
        .hasMessage("out: expected 16 or more, got 8");
    assertThatThrownBy(() -> ResNet.create(0, 10, 1)).hasMessageStartingWith("blocks:");
  }
}
