package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the layer can be told. */
class BatchNormOptionsTest {
  private static Tensor x() {
    return Tensor.of(new float[] {1, 10, 3, 30}, 2, 2);
  }

  private static Tensor random(long seed, int... shape) {
    SplittableRandom random = new SplittableRandom(seed);
    int size = 1;
    for (int axis : shape) {
      size *= axis;
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextGaussian() * 2 + 1);
    }
    return Tensor.of(values, shape);
  }

  @Test
  void theWeightIsOfTheNewValue() {
    BatchNorm layer = BatchNorm.builder(2).newValueWeight(0.25).build();
    layer.forward(x(), Mode.TRAINING);
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0.5f, 5);
    assertThat(layer.runningVar().toFloatArray()).containsExactly(0.75f + 0.5f, 0.75f + 50);
  }

  @Test
  void cumulativeStatisticsAreTheAverageOfAllBatches() {
    BatchNorm layer = BatchNorm.builder(2).cumulative().biasedRunningVariance().build();
    layer.forward(x(), Mode.TRAINING);
    layer.forward(x().multiply(3), Mode.TRAINING);
    assertThat(layer.runningMean().toFloatArray()).containsExactly(4, 40);
    assertThat(layer.runningVar().toFloatArray()).containsExactly(5, 500);
  }

  @Test
  void scaleShiftAndStatisticsMayBeLeftOut() {
    BatchNorm layer =
        BatchNorm.builder(2).withoutScale().withoutShift().withoutStatistics().build();
    Tensor trained = layer.forward(x(), Mode.TRAINING);
    Tensor evaluated = layer.forward(x(), Mode.EVALUATION);
    assertThat(evaluated.toFloatArray()).isEqualTo(trained.toFloatArray());
    assertThat(StateFile.save(layer::visit)).isEmpty();
    assertThatThrownBy(layer::runningMean).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void frozenStatisticsAreUsedAndStayWhileParametersLearn() {
    BatchNorm layer = new BatchNorm(2, 0);
    layer.freezeStatistics(true);
    Tensor x = x();
    Tensor y = layer.forward(x, Mode.TRAINING);
    y.backward();
    assertThat(y.toFloatArray()).containsExactly(1, 10, 3, 30);
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0, 0);
    assertThat(layer.gamma().grad().toFloatArray()).containsExactly(4, 40);
    layer.freezeParameters(true);
    layer.forward(x, Mode.TRAINING).backward();
    assertThat(x.grad().toFloatArray()).containsExactly(1, 1, 1, 1);
    layer.freezeStatistics(false);
    layer.forward(x, Mode.TRAINING);
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0.2f, 2);
  }

  @Test
  void frozenParametersGetNoGradient() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    layer.freezeParameters(true);
    layer.forward(x(), Mode.TRAINING).backward();
    assertThat(layer.gamma().grad()).isNull();
  }

  @Test
  void resetForgetsTheStatistics() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    layer.forward(x(), Mode.TRAINING);
    layer.resetStatistics();
    Map<String, Stored> state = StateFile.save(layer::visit);
    assertThat(layer.runningVar().toFloatArray()).containsExactly(1, 1);
    assertThat(state.get("num_batches_tracked").bytes().getLong()).isZero();
  }

  @Test
  void tailAndResidualAreThoseOfTheOperation() {
    BatchNorm layer =
        BatchNorm.builder(2).options(new BatchNormOptions(Layout.NHWC, 1e-3, 0)).build();
    Tensor x = random(1, 3, 4, 2);
    Tensor z = random(2, 3, 4, 2);
    Tensor y = layer.forward(x, z, null, Mode.TRAINING);
    Tensor expected =
        BatchNormOp.on(x).add(z).options(new BatchNormOptions(Layout.NHWC, 1e-3, 0)).apply();
    assertThat(y.toFloatArray()).isEqualTo(expected.toFloatArray());
    assertThat(y.toFloatArray()).contains(0);
  }

  @Test
  void maskedPositionsDoNotCountInRunningStatistics() {
    BatchNorm layer = BatchNorm.builder(1).newValueWeight(1).build();
    Tensor x = Tensor.of(new float[] {1, 3, Float.NaN}, 3, 1);
    layer.forward(x, null, Tensor.of(new float[] {1, 1, 0}), Mode.TRAINING);
    assertThat(layer.runningMean().item()).isEqualTo(2);
    assertThat(layer.runningVar().item()).isEqualTo(2);
    Tensor alone = Tensor.of(new float[] {1, 0, 0});
    assertThatThrownBy(() -> layer.forward(x, null, alone, Mode.TRAINING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("x: training needs more than one element a channel");
  }

  @Test
  void groupsMoveTheStatisticsByTheirAverage() {
    BatchNorm layer =
        BatchNorm.builder(1).groups(2).newValueWeight(1).biasedRunningVariance().build();
    layer.forward(Tensor.of(new float[] {1, 3, 10, 30}, 4, 1), Mode.TRAINING);
    assertThat(layer.runningMean().item()).isEqualTo(11);
    assertThat(layer.runningVar().item()).isEqualTo(50.5);
  }

  @Test
  void renormalizationWithinItsLimitsGivesTheOutputOfEvaluation() {
    BatchNorm layer = BatchNorm.builder(2).renormalization(1e6, 1e6).build();
    BatchNorm evaluated = BatchNorm.builder(2).build();
    Tensor y = layer.forward(x(), Mode.TRAINING);
    Tensor expected = evaluated.forward(x(), Mode.EVALUATION);
    for (int i = 0; i < 4; i++) {
      assertThat(y.storage().get(i)).isCloseTo(expected.storage().get(i), within(1e-4));
    }
  }

  @Test
  void renormalizationWithoutRoomIsBatchNorm() {
    BatchNorm layer = BatchNorm.builder(2).renormalization(1, 0).build();
    Tensor y = layer.forward(x(), Mode.TRAINING);
    Tensor expected = new BatchNorm(2, 1e-5).forward(x(), Mode.TRAINING);
    assertThat(y.toFloatArray()).isEqualTo(expected.toFloatArray());
  }

  @Test
  void renormalizationsCorrectionIsNoVariable() {
    BatchNorm layer = BatchNorm.builder(1).renormalization(2, 1).build();
    Tensor x = Tensor.of(new float[] {1, 2, 6}, 3, 1);
    layer.forward(x, Mode.TRAINING).backward(Tensor.of(new float[] {1, 2, 4}, 3, 1));
    // r = std / 1 limited to 2, d = 3 limited to 1: dx = r dx of batch norm, dBeta = 7,
    // dGamma = r sum(dy xHat) + d sum(dy).
    Tensor plain = Tensor.of(new float[] {1, 2, 6}, 3, 1);
    Tensor gamma = Tensor.of(new float[] {1});
    BatchNormOp.on(plain).gamma(gamma).apply().backward(Tensor.of(new float[] {1, 2, 4}, 3, 1));
    for (int i = 0; i < 3; i++) {
      assertThat(x.grad().storage().get(i))
          .isCloseTo(2 * plain.grad().storage().get(i), within(1e-5));
    }
    assertThat(layer.beta().grad().item()).isEqualTo(7);
    assertThat(layer.gamma().grad().item()).isCloseTo(2 * gamma.grad().item() + 7, within(1e-5));
  }

  @Test
  void aCheckpointMovesTheStatisticsOnce() {
    BatchNorm layer = BatchNorm.builder(2).renormalization(3, 1).build();
    BatchNorm reference = BatchNorm.builder(2).renormalization(3, 1).build();
    Tensor x = random(3, 8, 2);
    Tensor y =
        Checkpoint.of(
            in -> layer.forward(in, Mode.TRAINING), x, List.of(layer.gamma(), layer.beta()));
    y.multiply(y).backward();
    double[] dx = x.grad().toDoubleArray();
    Tensor plain = reference.forward(x, Mode.TRAINING);
    plain.multiply(plain).backward();
    assertThat(layer.runningMean().toFloatArray())
        .isEqualTo(reference.runningMean().toFloatArray());
    assertThat(StateFile.save(layer::visit).get("num_batches_tracked").bytes().getLong())
        .isEqualTo(1);
    assertThat(dx).containsExactly(x.grad().toDoubleArray());
  }

  private static Tensor one(float... values) {
    return Tensor.of(values, values.length, 1);
  }

  private static void assertStatistics(BatchNorm layer, double mean, double var) {
    assertThat(layer.runningMean().item()).isEqualTo(mean);
    assertThat(layer.runningVar().item()).isEqualTo(var);
  }

  @Test
  void replacedStatisticsForgetNaNAndInfinity() {
    for (Tensor bad : List.of(one(Float.NaN, 1), one(-1e30f, 1e30f), one(Float.MAX_VALUE, 0))) {
      for (BatchNorm.Builder builder :
          List.of(
              BatchNorm.builder(1),
              BatchNorm.builder(1).newValueWeight(1),
              BatchNorm.builder(1).cumulative())) {
        BatchNorm layer = builder.build();
        layer.forward(bad, Mode.TRAINING);
        assertThat(layer.runningVar().item()).isNotFinite();
        layer.resetStatistics();
        assertStatistics(layer, 0, 1);
        layer.forward(bad, Mode.TRAINING);
        Serving.recalibrate(layer, List.of(one(1, 3)));
        assertStatistics(layer, 2, 2);
      }
    }
  }

  @Test
  void weightsOf0And1KeepAndReplaceWhateverThereIs() {
    BatchNorm replacing = BatchNorm.builder(1).newValueWeight(1).build();
    replacing.forward(one(Float.NaN, 1), Mode.TRAINING);
    replacing.forward(one(1, 3), Mode.TRAINING);
    assertStatistics(replacing, 2, 2);
    BatchNorm keeping = BatchNorm.builder(1).newValueWeight(0).build();
    keeping.forward(one(Float.NaN, 1), Mode.TRAINING);
    assertStatistics(keeping, 0, 1);
    BatchNorm cumulative = BatchNorm.builder(1).cumulative().build();
    cumulative.runningMean().update(storage -> storage.set(0, Double.NaN));
    cumulative.forward(one(1, 3), Mode.TRAINING);
    assertStatistics(cumulative, 2, 2);
  }

  /** As a batch of the positions that count alone, in both layouts, whatever the padding holds. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void renormalizationLeavesMaskedPositionsOut(long seed) {
    SplittableRandom draw = new SplittableRandom(seed);
    int positions = 4 + draw.nextInt(5);
    int padding = 1 + draw.nextInt(4);
    double pad = new double[] {1000, Double.NaN, Double.POSITIVE_INFINITY}[draw.nextInt(3)];
    float[] all = new float[2 * (positions + padding)];
    float[] some = new float[2 * positions];
    float[] mask = new float[positions + padding];
    for (int i = 0; i < positions + padding; i++) {
      mask[i] = i < positions ? 1 : 0;
      for (int c = 0; c < 2; c++) {
        all[2 * i + c] = i < positions ? (float) (draw.nextDouble() * 3 + c) : (float) pad;
        if (i < positions) {
          some[2 * i + c] = all[2 * i + c];
        }
      }
    }
    BatchNorm layer = BatchNorm.builder(2).renormalization(3, 5).build();
    BatchNorm reference = BatchNorm.builder(2).renormalization(3, 5).build();
    Tensor y =
        layer.forward(Tensor.of(all, positions + padding, 2), null, Tensor.of(mask), Mode.TRAINING);
    Tensor expected = reference.forward(Tensor.of(some, positions, 2), Mode.TRAINING);
    for (int i = 0; i < all.length; i++) {
      double value = i < some.length ? expected.storage().get(i) : 0;
      assertThat(y.storage().get(i)).isCloseTo(value, within(1e-5));
    }
    assertThat(layer.runningMean().allClose(reference.runningMean(), 1e-6, 1e-6)).isTrue();
  }

  @Test
  void everyLayerChecksItsChannelsInBothModes() {
    for (BatchNorm.Builder builder :
        List.of(
            BatchNorm.builder(3),
            BatchNorm.builder(3).withoutScale().withoutShift(),
            BatchNorm.builder(3).withoutScale().withoutShift().withoutStatistics(),
            BatchNorm.builder(3).withoutScale().withoutShift().renormalization(2, 1))) {
      for (int c : new int[] {0, 1, 2, 4, 6}) {
        for (Mode mode : Mode.values()) {
          BatchNorm layer = builder.options(BatchNormOptions.DEFAULT).build();
          assertThatThrownBy(() -> layer.forward(random(1, 4, c, 3), mode))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessage("x: expected 3 channels in axis 1, got shape [4, " + c + ", 3]");
          BatchNorm last =
              builder.options(BatchNormOptions.DEFAULT.withLayout(Layout.NHWC)).build();
          assertThatThrownBy(() -> last.forward(random(1, 4, 3, c), mode))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessage("x: expected 3 channels in axis 2, got shape [4, 3, " + c + "]");
        }
      }
    }
  }

  @Test
  void aLayerWithoutChannelsGivesNothing() {
    for (BatchNorm.Builder builder :
        List.of(
            BatchNorm.builder(0),
            BatchNorm.builder(0).groups(2),
            BatchNorm.builder(0).renormalization(2, 1))) {
      Tensor y = builder.build().forward(random(1, 4, 0), Mode.TRAINING);
      assertThat(y.shape()).containsExactly(4, 0);
    }
  }

  @Test
  void parametersAndStatisticsMayBeOfF64() {
    BatchNorm layer = BatchNorm.builder(2).dtype(DType.F64).renormalization(1.5, 0.5).build();
    double large = 1e8;
    Tensor x = Tensor.of(new double[] {large + 1, 1e-300, large + 3, 3e-300}, 2, 2);
    Tensor y = layer.forward(x, Mode.TRAINING);
    y.backward();
    assertThat(y.dtype()).isEqualTo(DType.F64);
    assertThat(layer.runningMean().toDoubleArray()[0]).isCloseTo(1e7 + 0.2, within(1e-7));
    for (Tensor tensor :
        List.of(
            layer.gamma(),
            layer.beta(),
            layer.runningMean(),
            layer.runningVar(),
            layer.gamma().grad())) {
      assertThat(tensor.dtype()).isEqualTo(DType.F64);
    }
    Map<String, Stored> saved = StateFile.save(layer::visit);
    assertThat(saved.get("running_mean").type()).isEqualTo(Stored.Type.F64);
    BatchNorm other = BatchNorm.builder(2).dtype(DType.F64).build();
    StateFile.load(saved, other::visit);
    assertThat(StateFile.save(other::visit)).isEqualTo(saved);
    assertThat(layer.forward(random(1, 4, 2), Mode.EVALUATION).dtype()).isEqualTo(DType.F64);
    assertThatThrownBy(() -> BatchNorm.builder(2).dtype(DType.BF16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dtype: expected F32 or F64, got BF16");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void weightsOutOfRangeAreRefused(double weight) {
    assertThatThrownBy(() -> BatchNorm.builder(2).newValueWeight(weight))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("newValueWeight: expected 0 to 1");
  }

  @Test
  void limitsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> BatchNorm.builder(2).renormalization(0.5, 0))
        .isInstanceOf(IllegalArgumentException.class);
    BatchNorm.Builder builder = BatchNorm.builder(2).renormalization(2, 1).withoutStatistics();
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("renormalization: ");
  }
}
