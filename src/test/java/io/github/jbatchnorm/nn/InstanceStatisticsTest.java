package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Running statistics of instance norm, beside PyTorch's formula written out. */
class InstanceStatisticsTest {
  private static final int SAMPLES = 3;
  private static final int CHANNELS = 4;
  private static final int POSITIONS = 10;

  private static InstanceNorm.Builder builder(Layout layout) {
    return InstanceNorm.builder(CHANNELS).layout(layout).dtype(DType.F64);
  }

  /** Draws x of shape (N, C, 2, 5), or (N, 2, 5, C). */
  private static Tensor random(Layout layout, long seed) {
    int[] shape =
        layout == Layout.NCHW ? new int[] {SAMPLES, CHANNELS, 2, 5} : new int[] {SAMPLES, 2, 5, 4};
    return Tensors.normal(DType.F64, new SplittableRandom(seed), 3, 2, shape);
  }

  private static double at(Tensor x, Layout layout, int n, int c, int position) {
    return x.storage()
        .get(
            layout == Layout.NCHW
                ? (n * CHANNELS + c) * POSITIONS + position
                : (n * POSITIONS + position) * CHANNELS + c);
  }

  /** Returns the averages over samples of a channel's mean and of its unbiased variance. */
  private static double[] averages(Tensor x, Layout layout, int c) {
    double[] averages = new double[2];
    for (int n = 0; n < SAMPLES; n++) {
      double mean = 0;
      for (int i = 0; i < POSITIONS; i++) {
        mean += at(x, layout, n, c, i) / POSITIONS;
      }
      double squares = 0;
      for (int i = 0; i < POSITIONS; i++) {
        squares += Math.pow(at(x, layout, n, c, i) - mean, 2);
      }
      averages[0] += mean / SAMPLES;
      averages[1] += squares / (POSITIONS - 1) / SAMPLES;
    }
    return averages;
  }

  @ParameterizedTest
  @CsvSource({"NCHW, 0.1", "NHWC, 0.1", "NCHW, 1", "NHWC, 0.75", "NCHW, 0"})
  void trainingMovesThemTowardsTheAveragesOverSamples(Layout layout, double weight) {
    InstanceNorm norm = builder(layout).withStatistics(weight).build();
    double[] mean = new double[CHANNELS];
    double[] var = {1, 1, 1, 1};
    for (int step = 0; step < 4; step++) {
      Tensor x = random(layout, step);
      assertThat(norm.forward(x, Mode.TRAINING).toDoubleArray())
          .containsExactly(
              Functions.instanceNorm(x, null, null, 1e-5, layout).toDoubleArray(), within(1e-13));
      for (int c = 0; c < CHANNELS; c++) {
        double[] averages = averages(x, layout, c);
        mean[c] = mean[c] * (1 - weight) + averages[0] * weight;
        var[c] = var[c] * (1 - weight) + averages[1] * weight;
      }
      assertThat(norm.runningMean().toDoubleArray()).containsExactly(mean, within(1e-12));
      assertThat(norm.runningVar().toDoubleArray()).containsExactly(var, within(1e-12));
    }
  }

  @ParameterizedTest
  @CsvSource({"NCHW", "NHWC"})
  void evaluationNormalizesWithThemAndChangesNothing(Layout layout) {
    InstanceNorm norm = builder(layout).withStatistics().affine().eps(0.5).build();
    norm.gamma().update(storage -> storage.set(1, 3));
    norm.beta().update(storage -> storage.set(2, -2));
    norm.forward(random(layout, 1), Mode.TRAINING);
    double[] mean = norm.runningMean().toDoubleArray();
    double[] var = norm.runningVar().toDoubleArray();
    Tensor x = random(layout, 2);
    Tensor y = norm.forward(x, Mode.EVALUATION);
    for (int n = 0; n < SAMPLES; n++) {
      for (int c = 0; c < CHANNELS; c++) {
        for (int i = 0; i < POSITIONS; i++) {
          double xHat = (at(x, layout, n, c, i) - mean[c]) / Math.sqrt(var[c] + 0.5);
          double expected = xHat * (c == 1 ? 3 : 1) - (c == 2 ? 2 : 0);
          assertThat(at(y, layout, n, c, i)).isCloseTo(expected, within(1e-12));
        }
      }
    }
    norm.forward(random(layout, 3), Mode.TRAINING);
    y.sum().backward(); // by the statistics of the evaluation, not of the step after it
    for (int c = 0; c < CHANNELS; c++) {
      assertThat(at(x.grad(), layout, 0, c, 0))
          .isCloseTo((c == 1 ? 3 : 1) / Math.sqrt(var[c] + 0.5), within(1e-12));
    }
    assertThat(norm.runningMean().toDoubleArray()).isNotEqualTo(mean);
    norm.resetStatistics();
    assertThat(norm.runningMean().toDoubleArray()).containsOnly(0);
    assertThat(norm.runningVar().toDoubleArray()).containsOnly(1);
  }

  @Test
  void trainingHasTheGradientsOfALayerWithout() {
    for (Layout layout : Layout.values()) {
      InstanceNorm with = builder(layout).affine().withStatistics().build();
      InstanceNorm without = builder(layout).affine().build();
      for (InstanceNorm norm : List.of(with, without)) {
        norm.gamma().update(storage -> storage.set(1, 3));
      }
      Tensor x = random(layout, 1);
      Tensor same = random(layout, 1);
      with.forward(x, Mode.TRAINING).sin().sum().backward();
      without.forward(same, Mode.TRAINING).sin().sum().backward();
      assertThat(x.grad().toDoubleArray())
          .containsExactly(same.grad().toDoubleArray(), within(1e-12));
      assertThat(with.gamma().grad().toDoubleArray())
          .containsExactly(without.gamma().grad().toDoubleArray(), within(1e-12));
      assertThat(with.beta().grad().toDoubleArray())
          .containsExactly(without.beta().grad().toDoubleArray(), within(1e-12));
    }
  }

  @Test
  void filesHaveThemByTheNamesOfPyTorch() throws Exception {
    InstanceNorm from = builder(Layout.NCHW).affine().withStatistics().build();
    from.forward(random(Layout.NCHW, 1), Mode.TRAINING);
    from.forward(random(Layout.NCHW, 2), Mode.TRAINING);
    assertThat(StateFile.save(from::visit))
        .containsOnlyKeys("weight", "bias", "running_mean", "running_var", "num_batches_tracked");
    assertThat(StateFile.save(from::visit).get("num_batches_tracked").bytes().getLong())
        .isEqualTo(2);
    InstanceNorm to = builder(Layout.NCHW).affine().withStatistics().build();
    StateFile.load(StateFile.save(from::visit), to::visit);
    assertThat(to.runningMean().toDoubleArray()).isEqualTo(from.runningMean().toDoubleArray());
    assertThat(to.runningVar().toDoubleArray()).isEqualTo(from.runningVar().toDoubleArray());
    assertThat(InstanceNorm.builder(2).build().runningMean()).isNull();
    assertThat(InstanceNorm.builder(2).build().runningVar()).isNull();
  }

  @Test
  void emptyBatchesAndRecomputationLeaveThemAlone() {
    InstanceNorm norm = builder(Layout.NCHW).withStatistics().build();
    norm.forward(Tensor.zeros(DType.F64, 0, CHANNELS, 5), Mode.TRAINING);
    norm.forward(Tensor.zeros(DType.F64, 2, CHANNELS, 0), Mode.TRAINING);
    assertThat(norm.runningVar().toDoubleArray()).containsOnly(1);
    Tensor x = random(Layout.NCHW, 1);
    Tensor y = Checkpoint.of(in -> norm.forward(in, Mode.TRAINING), x, List.of());
    double[] once = norm.runningMean().toDoubleArray();
    y.sin().sum().backward();
    assertThat(norm.runningMean().toDoubleArray()).isEqualTo(once);
  }

  /** Recalibration is of batch norms: an instance norm before one normalizes as it will later. */
  @Test
  void recalibrationTakesThemAsTheyAre() {
    InstanceNorm first = builder(Layout.NCHW).withStatistics().build();
    first.forward(random(Layout.NCHW, 1), Mode.TRAINING);
    BatchNorm second = BatchNorm.builder(CHANNELS).dtype(DType.F64).build();
    Sequential model = Sequential.builder().add("in", first).add("bn", second).build();
    double[] before = first.runningMean().toDoubleArray();
    Tensor x = random(Layout.NCHW, 2);
    Serving.recalibrate(model, List.of(x));
    assertThat(first.runningMean().toDoubleArray()).isEqualTo(before);
    assertThat(second.runningMean().toDoubleArray())
        .containsExactly(
            first.forward(x, Mode.EVALUATION).mean(0, 2, 3).toDoubleArray(), within(1e-12));
  }

  @Test
  void sixteenBitsStayAndWeightsAreChecked() {
    InstanceNorm norm = InstanceNorm.builder(CHANNELS).affine().withStatistics().build();
    Tensor x = random(Layout.NCHW, 1).astype(DType.BF16);
    assertThat(norm.forward(x, Mode.TRAINING).dtype()).isEqualTo(DType.BF16);
    assertThat(norm.forward(x, Mode.EVALUATION).dtype()).isEqualTo(DType.BF16);
    assertThat(Objects.requireNonNull(norm.runningMean()).dtype()).isEqualTo(DType.F32);
    for (double weight : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> InstanceNorm.builder(2).withStatistics(weight))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("newValueWeight: expected 0 to 1, got " + weight);
    }
  }
}
