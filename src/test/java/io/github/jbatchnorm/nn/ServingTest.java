package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Folding and recalibration. */
class ServingTest {
  private static Tensor random(long seed, int... shape) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[IntStream.of(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  private static Sequential model(boolean bias) {
    SplittableRandom random = new SplittableRandom(1);
    Sequential.Builder inner =
        Sequential.builder()
            .add("dense", new Dense(5 * 36, 7, random))
            .add("norm", new BatchNorm(7, 1e-5));
    Conv.Builder conv = Conv.builder(2, 5, 3, 3).options(ConvOptions.DEFAULT.withPadding(1));
    conv = bias ? conv : conv.withoutBias();
    return Sequential.builder()
        .add("conv", conv.build(random))
        .add(
            "norm",
            BatchNorm.builder(5).options(BatchNormOptions.DEFAULT.withLeakyRelu(0.1)).build())
        .add("flatten", x -> x.reshape(x.dim(0), -1))
        .add("head", inner.build())
        .add("last", new Dense(7, 3, random))
        .build();
  }

  private static Sequential trained(boolean bias) {
    Sequential model = model(bias);
    for (int step = 0; step < 5; step++) {
      model.forward(random(step, 16, 2, 6, 6).add(0.5), Mode.TRAINING);
    }
    return model;
  }

  @Test
  void aFoldedModelEvaluatesToTheSame() {
    for (boolean bias : new boolean[] {false, true}) {
      Sequential model = trained(bias);
      Sequential folded = Serving.folded(model);
      Tensor x = random(99, 8, 2, 6, 6);
      Tensor expected = model.forward(x, Mode.EVALUATION);
      Tensor y = folded.forward(x, Mode.EVALUATION);
      for (int i = 0; i < y.size(); i++) {
        assertThat(y.storage().get(i)).isCloseTo(expected.storage().get(i), within(1e-6));
      }
      assertThat(folded.children().values()).noneMatch(BatchNorm.class::isInstance);
      assertThat(((Sequential) folded.children().get("head")).children()).containsOnlyKeys("dense");
    }
  }

  @Test
  void channelsThatDoNotFitAreRefused() {
    Sequential model =
        Sequential.builder()
            .add("dense", new Dense(2, 3, new SplittableRandom(1)))
            .add("norm", new BatchNorm(4, 1e-5))
            .build();
    assertThatThrownBy(() -> Serving.folded(model))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "model: batch norm norm cannot be folded: it has 4 channels, the layer before it 3"
                + " outputs");
  }

  @Test
  void recalibratedStatisticsAreThoseOfAllTheData() {
    BatchNorm norm = new BatchNorm(1, 1e-5);
    norm.forward(random(5, 4, 1), Mode.TRAINING);
    Serving.recalibrate(
        Sequential.builder().add("norm", norm).build(),
        List.of(Tensor.of(new float[] {1, 2}, 2, 1), Tensor.of(new float[] {3, 4, 10}, 3, 1)));
    assertThat(norm.runningMean().item()).isEqualTo(4);
    assertThat(norm.runningVar().item()).isCloseTo(12.5, within(1e-6));
  }

  @Test
  void aRecalibrationThatFailsLeavesTheStatistics() {
    BatchNorm norm = new BatchNorm(1, 1e-5);
    List<Tensor> batches = List.of(random(1, 4, 1), random(2, 4, 2));
    assertThatThrownBy(() -> Serving.recalibrate(norm, batches))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(norm.runningMean().item()).isZero();
    norm.forward(random(1, 4, 1), Mode.TRAINING);
    assertThat(norm.runningMean().item()).isNotZero();
  }
}
