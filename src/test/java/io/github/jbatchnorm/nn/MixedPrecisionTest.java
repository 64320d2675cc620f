package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.ImageSet;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training with 16 bits: parameters of f32, losses that are scaled. */
class MixedPrecisionTest {
  private static Tensor withGradient(float... grad) {
    Tensor p = Tensor.of(new float[grad.length]);
    p.multiply(Tensor.of(grad).asConstant()).backward();
    return p;
  }

  @Test
  void gradientsAreDividedWhereAllAreFinite() {
    Tensor a = withGradient(8, -24);
    Tensor b = withGradient(4);
    assertThat(Gradients.unscale(List.of(a, b), 8)).isTrue();
    assertThat(a.grad().toFloatArray()).containsExactly(1, -3);
    assertThat(b.grad().toFloatArray()).containsExactly(0.5f);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void nothingChangesWhereOneIsNot(float bad) {
    Tensor a = withGradient(8, -24);
    Tensor b = withGradient(4, bad, 5);
    assertThat(Gradients.unscale(List.of(a, b), 8)).isFalse();
    assertThat(a.grad().toFloatArray()).containsExactly(8, -24);
    assertThat(b.grad().toFloatArray()).containsExactly(4, bad, 5);
  }

  @ParameterizedTest
  @EnumSource
  void gradientsKeepTheirDtype(DType dtype) {
    Tensor p = Tensor.of(new float[] {1, 2}).astype(dtype).copy();
    Tensor own = Tensor.variable(p.storage(), 2);
    own.backward(3 * 4096);
    assertThat(Gradients.unscale(List.of(own), 4096)).isTrue();
    assertThat(own.grad().dtype()).isEqualTo(dtype);
    assertThat(own.grad().toDoubleArray()).containsExactly(3, 3);
  }

  @Test
  void scaleDoublesAfterGoodStepsAndHalvesAfterABadOne() {
    LossScale scale = new LossScale(4, 3);
    List<Tensor> good = List.of(withGradient(1));
    List<Tensor> bad = List.of(withGradient(Float.NaN));
    double[] expected = {4, 4, 8, 8, 8, 4, 4, 4, 8};
    for (int step = 0; step < expected.length; step++) {
      boolean isBad = step == 5;
      assertThat(scale.unscale(isBad ? bad : good)).isEqualTo(!isBad);
      assertThat(scale.value()).as("after step %d", step).isEqualTo(expected[step]);
    }
    for (int step = 0; step < 10; step++) {
      scale.unscale(bad);
    }
    assertThat(scale.value()).isEqualTo(1);
  }

  @Test
  void scaleRefusesWhatIsNoPowerOfTwo() {
    for (double wrong : new double[] {3, 0.5, Double.NaN, Double.POSITIVE_INFINITY, -2}) {
      assertThatThrownBy(() -> new LossScale(wrong, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("first: expected a power of two from 1 to 2^100, got " + wrong);
    }
    assertThatThrownBy(() -> new LossScale(2, 0))
        .hasMessage("goodSteps: expected 1 or more, got 0");
    assertThatThrownBy(() -> Gradients.unscale(List.of(), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("scale: expected a finite value of more than 0");
  }

  @Test
  void stateOfTheScaleIsSaved() {
    LossScale from = new LossScale(4, 3);
    List<Tensor> good = List.of(withGradient(1));
    from.unscale(good);
    from.unscale(good);
    LossScale to = new LossScale(64, 3);
    StateFile.load(StateFile.save(from::visit), to::visit);
    assertThat(to.value()).isEqualTo(4);
    to.unscale(good);
    assertThat(to.value()).isEqualTo(8);
  }

  /** A gradient of 2^-30 is 0 in f16; times 2^16 it is not. */
  @Test
  void smallGradientsOfF16AreNotLost() {
    Dense layer = new Dense(1, 1, new SplittableRandom(1));
    for (boolean scaled : new boolean[] {false, true}) {
      LossScale scale = scaled ? new LossScale() : new LossScale(1, 1);
      Tensor x = Tensor.of(new float[] {1}, 1, 1).astype(DType.F16).asConstant();
      Tensor loss = layer.forward(x, Mode.TRAINING).astype(DType.F32).multiply(0x1p-30).sum();
      loss.backward(scale.value());
      assertThat(scale.unscale(layer.parameters().values())).isTrue();
      assertThat(layer.weight().grad().item()).isEqualTo(scaled ? 0x1p-30 : 0);
    }
  }

  /** A gradient that is infinite in f16 with a scale of 2^100 leaves steps out until it is not. */
  @Test
  void scaleFindsItsWayDown() {
    Dense layer = new Dense(1, 1, new SplittableRandom(1));
    float before = layer.weight().toFloatArray()[0];
    LossScale scale = new LossScale(0x1p100, 1000);
    Sgd sgd = new Sgd(layer.parameters(), 1, 0);
    Tensor x = Tensor.of(new float[] {1}, 1, 1).astype(DType.F16).asConstant();
    int steps = 0;
    boolean stepped = false;
    while (!stepped) {
      layer.forward(x, Mode.TRAINING).astype(DType.F32).sum().backward(scale.value());
      stepped = scale.unscale(layer.parameters().values());
      steps++;
    }
    sgd.step();
    assertThat(steps).isEqualTo(100 - 15 + 1); // 2^15 is the largest power of two of f16
    assertThat(layer.weight().item()).isEqualTo(before - 1);
  }

  private static Layer network(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ConvOptions same = ConvOptions.DEFAULT.withPadding(1);
    return Sequential.builder()
        .add("conv1", Conv.builder(1, 8, 3, 3).options(same).withoutBias().build(random))
        .add("bn1", BatchNorm.builder(8).build())
        .add("relu1", Tensor::relu)
        .add("pool1", x -> Functions.maxPool(x, 4, 4))
        .add("conv2", Conv.builder(8, 16, 3, 3).options(same).relu().build(random))
        .add("flatten", x -> x.reshape(x.dim(0), 16 * 7 * 7))
        .add("fc", new Dense(16 * 7 * 7, 10, random))
        .build();
  }

  /** Trains on drawn digits and returns the mean loss of the last quarter of the steps. */
  private static double trainedLoss(DType dtype) {
    ImageSet digits = ImageSet.draw(400, 1);
    Layer model = network(1);
    Adam adam = new Adam(model.parameters(), 0.01);
    LossScale scale = new LossScale();
    double sum = 0;
    int count = 0;
    for (int epoch = 1; epoch <= 8; epoch++) {
      BatchSource batches = digits.shuffled(40, 0, 1, epoch);
      for (int i = 0; i < batches.count(); i++) {
        Batch batch = batches.batch(i);
        double[] loss = new double[1];
        MemoryScope.run(() -> loss[0] = step(model, adam, scale, dtype, batch));
        sum += epoch > 6 ? loss[0] : 0;
        count += epoch > 6 ? 1 : 0;
      }
    }
    return sum / count;
  }

  private static double step(
      Layer model, Optimizer optimizer, LossScale scale, DType dtype, Batch batch) {
    Tensor scores = model.forward(batch.x().astype(dtype), Mode.TRAINING).astype(DType.F32);
    Tensor loss = Losses.softmaxCrossentropy(scores, batch.labels());
    loss.backward(scale.value());
    if (scale.unscale(model.parameters().values())) {
      optimizer.step();
    }
    return loss.item();
  }

  @Test
  void sixteenBitsTrainNearlyAsF32() {
    double wide = trainedLoss(DType.F32);
    assertThat(wide).isLessThan(0.5); // of log(10) = 2.3 at first
    assertThat(trainedLoss(DType.BF16)).isCloseTo(wide, within(0.1)); // 0.014 here, and
    assertThat(trainedLoss(DType.F16)).isCloseTo(wide, within(0.05)); // 0.002
  }
}
