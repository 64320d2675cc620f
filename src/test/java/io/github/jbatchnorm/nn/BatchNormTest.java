package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The layer: running statistics, and the two modes. */
class BatchNormTest {
  private static Tensor x() {
    return Tensor.of(new float[] {1, 10, 3, 30}, 2, 2);
  }

  @Test
  void trainingMovesRunningStatisticsWithUnbiasedVariance() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    layer.forward(x(), Mode.TRAINING);
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0.2f, 2f);
    assertThat(layer.runningVar().toFloatArray()).containsExactly(0.9f + 0.2f, 0.9f + 20f);
  }

  @Test
  void statisticsMoveWithoutRecordingToo() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    NoAutodiff.call(() -> layer.forward(x(), Mode.TRAINING));
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0.2f, 2f);
  }

  @Test
  void evaluationUsesRunningStatisticsAndLeavesThemAlone() {
    BatchNorm layer = new BatchNorm(2, 0);
    Tensor y = layer.forward(x(), Mode.EVALUATION);
    assertThat(y.toFloatArray()).containsExactly(1, 10, 3, 30);
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0, 0);
  }

  @Test
  void gradientFlowsThroughEvaluation() {
    BatchNorm layer = new BatchNorm(2, 3);
    Tensor x = x();
    layer.forward(x, Mode.EVALUATION).backward();
    assertThat(x.grad().toFloatArray()).containsExactly(0.5f, 0.5f, 0.5f, 0.5f);
    Map<String, Tensor> parameters = layer.parameters();
    assertThat(parameters.get("weight").grad().toFloatArray()).containsExactly(2, 20);
    assertThat(parameters.get("bias").grad().toFloatArray()).containsExactly(2, 2);
  }

  @Test
  void oneElementAChannelIsRefusedInTrainingAndFineInEvaluation() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    Tensor one = Tensor.of(new float[] {1, 2}, 1, 2);
    assertThatThrownBy(() -> layer.forward(one, Mode.TRAINING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x: training needs more than one element a channel, got shape [1, 2]");
    assertThat(layer.runningMean().toFloatArray()).containsExactly(0, 0);
    assertThat(layer.forward(one, Mode.EVALUATION).get(0, 1)).isCloseTo(2, within(1e-4));
  }

  @Test
  void emptyBatchLeavesStatisticsAlone() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    Tensor y = layer.forward(Tensor.zeros(DType.F32, 0, 2), Mode.TRAINING);
    assertThat(y.shape()).containsExactly(0, 2);
    assertThat(layer.runningVar().toFloatArray()).containsExactly(1, 1);
    assertThat(StateFile.save(layer::visit).get("num_batches_tracked").bytes().getLong()).isZero();
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void epsOutOfRangeIsRefused(double eps) {
    assertThatThrownBy(() -> new BatchNorm(2, eps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("eps: ");
  }

  @Test
  void stateGoesToAFileUnderPyTorchsNamesAndBack() {
    BatchNorm layer = new BatchNorm(2, 1e-5);
    layer.forward(x(), Mode.TRAINING);
    Map<String, Stored> saved = StateFile.save(layer::visit);
    assertThat(saved.keySet())
        .containsExactly("weight", "bias", "running_mean", "running_var", "num_batches_tracked");
    BatchNorm other = new BatchNorm(2, 1e-5);
    StateFile.load(saved, other::visit);
    assertThat(other.runningVar().toFloatArray()).isEqualTo(layer.runningVar().toFloatArray());
    assertThat(StateFile.save(other::visit).get("num_batches_tracked").bytes().getLong())
        .isEqualTo(1);
  }

  @Test
  void stateOfAnotherShapeIsRefusedAndNothingChanges() {
    Map<String, Stored> saved = StateFile.save(new BatchNorm(3, 1e-5)::visit);
    BatchNorm layer = new BatchNorm(2, 1e-5);
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weight: expected F32 of shape [2], got F32(3)");
    assertThatThrownBy(() -> StateFile.load(Map.of(), layer::visit))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weight: is missing");
  }

  @Test
  void runningStatisticsAreLiveAndNoCopies() {
    BatchNorm layer = new BatchNorm(1, 1e-5);
    Tensor mean = layer.runningMean();
    Tensor var = layer.runningVar();
    Tensor before = mean.copy();
    layer.forward(Tensor.of(new float[] {10, 30}, 2, 1), Mode.TRAINING);
    assertThat(mean.item()).isEqualTo(2);
    assertThat(var.item()).isNotEqualTo(1);
    assertThat(before.item()).isZero();
    assertThat(layer.runningMean()).isSameAs(mean);
  }
}
