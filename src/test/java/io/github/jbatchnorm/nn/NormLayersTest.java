package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The layers of normalization that need no batch: parameters, texts, what they refuse. */
class NormLayersTest {
  private static final Tensor X =
      Tensors.normal(DType.F32, new SplittableRandom(1), 3, 2, 2, 6, 5).asConstant();

  private static void number(Layer layer) {
    double next = 0.5;
    for (Tensor parameter : layer.parameters().values()) {
      for (int i = 0; i < parameter.size(); i++) {
        double value = next++;
        int at = i;
        parameter.update(storage -> storage.set(at, value));
      }
    }
  }

  @Test
  void layersAreTheirFunctions() {
    GroupNorm group = GroupNorm.builder(3, 6).eps(0.1).build();
    InstanceNorm instance = InstanceNorm.builder(6).eps(0.1).affine().build();
    LayerNorm layer = LayerNorm.builder(6, 5).eps(0.1).build();
    GroupNorm groupLast = GroupNorm.builder(5, 5).eps(0.1).layout(Layout.NHWC).build();
    InstanceNorm instanceLast = InstanceNorm.builder(5).affine().layout(Layout.NHWC).build();
    List.of(group, instance, layer, groupLast, instanceLast).forEach(NormLayersTest::number);
    for (Mode mode : Mode.values()) {
      assertThat(group.forward(X, mode).toFloatArray())
          .isEqualTo(Functions.groupNorm(X, 3, group.gamma(), group.beta(), 0.1).toFloatArray());
      assertThat(instance.forward(X, mode).toFloatArray())
          .isEqualTo(
              Functions.instanceNorm(X, instance.gamma(), instance.beta(), 0.1).toFloatArray());
      assertThat(groupLast.forward(X, mode).toFloatArray())
          .isEqualTo(
              Functions.groupNorm(X, 5, groupLast.gamma(), groupLast.beta(), 0.1, Layout.NHWC)
                  .toFloatArray());
      assertThat(instanceLast.forward(X, mode).toFloatArray())
          .isEqualTo(
              Functions.instanceNorm(
                      X, instanceLast.gamma(), instanceLast.beta(), 1e-5, Layout.NHWC)
                  .toFloatArray());
      assertThat(layer.forward(X, mode).toFloatArray())
          .isEqualTo(
              Functions.layerNorm(X, new int[] {6, 5}, layer.gamma(), layer.beta(), 0.1)
                  .toFloatArray());
    }
  }

  @Test
  void parametersAreOptionalAsInPyTorch() {
    assertThat(GroupNorm.builder(2, 6).build().parameters()).containsOnlyKeys("weight", "bias");
    assertThat(InstanceNorm.builder(6).build().parameters()).isEmpty();
    assertThat(InstanceNorm.builder(6).affine().build().parameters())
        .containsOnlyKeys("weight", "bias");
    LayerNorm layer = LayerNorm.builder(3, 5).withoutShift().dtype(DType.F64).build();
    assertThat(layer.parameters()).containsOnlyKeys("weight");
    assertThat(layer.beta()).isNull();
    assertThat(layer.gamma().dtype()).isEqualTo(DType.F64);
    assertThat(layer.gamma().shape()).containsExactly(3, 5);
    assertThat(GroupNorm.builder(2, 6).withoutScale().build().gamma()).isNull();
  }

  @Test
  void textsAndSummariesSayWhatTheyAre() {
    assertThat(GroupNorm.builder(2, 6).build()).hasToString("GroupNorm(6, groups 2, eps 1.0E-5)");
    assertThat(GroupNorm.builder(2, 6).withoutScale().withoutShift().eps(0).build())
        .hasToString("GroupNorm(6, groups 2, eps 0.0, no scale, no shift)");
    assertThat(GroupNorm.builder(2, 6).withoutScale().build())
        .hasToString("GroupNorm(6, groups 2, eps 1.0E-5, no scale)");
    assertThat(InstanceNorm.builder(6).build()).hasToString("InstanceNorm(6, eps 1.0E-5)");
    assertThat(InstanceNorm.builder(6).affine().build())
        .hasToString("InstanceNorm(6, eps 1.0E-5, affine)");
    assertThat(InstanceNorm.builder(6).withStatistics().layout(Layout.NHWC).build())
        .hasToString("InstanceNorm(6, eps 1.0E-5, channels last, statistics)");
    assertThat(GroupNorm.builder(2, 6).layout(Layout.NHWC).build())
        .hasToString("GroupNorm(6, groups 2, eps 1.0E-5, channels last)");
    LayerNorm layer = LayerNorm.builder(6, 5).withoutShift().build();
    assertThat(layer).hasToString("LayerNorm(6x5, eps 1.0E-5, no shift)");
    assertThat(Sequential.builder().add("norm", layer).build().summary(2, 6, 5))
        .containsPattern("  norm: LayerNorm +\\(2, 6, 5\\) +30\n");
  }

  @Test
  void stateGoesToFilesAndBack() {
    Layer from = model();
    number(from);
    Layer to = model();
    StateFile.load(StateFile.save(from::visit), to::visit);
    assertThat(to.forward(X, Mode.EVALUATION).toFloatArray())
        .isEqualTo(from.forward(X, Mode.EVALUATION).toFloatArray());
    assertThat(StateFile.save(from::visit))
        .containsOnlyKeys("0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias");
  }

  private static Layer model() {
    return Sequential.builder()
        .add("0", GroupNorm.builder(2, 6).build())
        .add("1", InstanceNorm.builder(6).affine().build())
        .add("2", LayerNorm.builder(5).build())
        .build();
  }

  @Test
  void trainingMovesThemTowardsATarget() {
    Layer model = model();
    Map<String, Tensor> parameters = model.parameters();
    Sgd sgd = new Sgd(parameters, 0.05, 0.9);
    double first = 0;
    double last = 0;
    for (int step = 0; step < 60; step++) {
      Tensor loss = model.forward(X, Mode.TRAINING).subtract(2).square().mean();
      loss.backward();
      sgd.step();
      last = loss.item();
      first = step == 0 ? last : first;
    }
    assertThat(last).isLessThan(first / 50);
  }

  @Test
  void sixteenBitsStay() {
    Tensor half = X.astype(DType.BF16);
    assertThat(model().forward(half, Mode.TRAINING).dtype()).isEqualTo(DType.BF16);
  }

  @Test
  void whatCannotBeNormalizedIsRefused() {
    Tensor flat = Tensor.zeros(DType.F32, 3, 6);
    for (Layer layer : List.of(GroupNorm.builder(6, 6).build(), InstanceNorm.builder(6).build())) {
      assertRefused(
          "x: training needs more than one element a group, got shape [3, 6]",
          () -> layer.forward(flat, Mode.TRAINING));
      assertThat(layer.forward(flat, Mode.EVALUATION).toFloatArray()).containsOnly(0);
      assertThat(layer.forward(Tensor.zeros(DType.F32, 0, 6), Mode.TRAINING).size()).isZero();
      assertRefused(
          "x: expected shape (N, 6, ...), got [2, 5]",
          () -> layer.forward(Tensor.zeros(DType.F32, 2, 5), Mode.EVALUATION));
    }
    for (Layer layer :
        List.of(
            GroupNorm.builder(6, 6).layout(Layout.NHWC).build(),
            InstanceNorm.builder(6).layout(Layout.NHWC).build())) {
      assertRefused(
          "x: training needs more than one element a group, got shape [3, 6]",
          () -> layer.forward(flat, Mode.TRAINING));
      assertRefused(
          "x: expected shape (N, ..., 6), got [2, 6, 5]",
          () -> layer.forward(Tensor.zeros(DType.F32, 2, 6, 5), Mode.EVALUATION));
    }
    assertRefused(
        "x: expected shape (..., 4) of one axis or more to normalize over, got (3, 6)",
        () -> LayerNorm.builder(4).build().forward(flat, Mode.TRAINING));
    assertRefused("groups: expected a divisor of 6 (C), got 4", () -> GroupNorm.builder(4, 6));
    assertRefused("shape: expected one axis or more, got ()", LayerNorm::builder);
    assertRefused(
        "eps: expected a finite value of 0 or more, got -1.0", () -> LayerNorm.builder(4).eps(-1));
    assertRefused(
        "dtype: expected F32 or F64, got BF16", () -> GroupNorm.builder(1, 2).dtype(DType.BF16));
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
