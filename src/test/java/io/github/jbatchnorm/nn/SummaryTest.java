package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.nn.models.ResNet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * What a model says of itself: its layers with their options, and the table of shapes and sizes.
 */
class SummaryTest {
  private static final BatchNormOptions RELU = BatchNormOptions.DEFAULT.withRelu();

  private static Sequential model() {
    SplittableRandom random = new SplittableRandom(1);
    Conv.Builder conv = Conv.builder(1, 4, 3, 3).options(ConvOptions.DEFAULT.withPadding(1));
    return Sequential.builder()
        .add("conv1", conv.withoutBias().build(random))
        .add("bn1", BatchNorm.builder(4).options(RELU).build())
        .add("pool1", x -> Functions.maxPool(x, 2, 2))
        .add("flatten", x -> x.reshape(x.dim(0), 4 * 4 * 4))
        .add("drop", new Dropout(0.25, 1))
        .add("fc", new Dense(4 * 4 * 4, 10, random))
        .build();
  }

  /** A user's layer, with a parameter of its own beside the layers inside. */
  private static final class Scaled implements Layer {
    private final Layer inner;
    private final Tensor factor = Tensor.of(new float[] {1, 2, 3, 4});

    Scaled(Layer inner) {
      this.inner = inner;
    }

    @Override
    public Tensor forward(Tensor x, Mode mode) {
      return inner.forward(x, mode).multiply(factor);
    }

    @Override
    public Map<String, Layer> children() {
      return Map.of("inner", inner);
    }

    @Override
    public void visit(StateVisitor visitor) {
      visitor.parameter("factor", factor);
      inner.visit(visitor.within("inner."));
    }
  }

  @Test
  void sequentialPrintsItsLayers() {
    assertThat(model())
        .hasToString(
            """
            Sequential(
              conv1: Conv(1 -> 4, kernel 3x3, stride 1, padding 1, no bias)
              bn1: BatchNorm(4, eps 1.0E-5, ReLU)
              pool1: function
              flatten: function
              drop: Dropout(p 0.25)
              fc: Dense(64 -> 10)
            )""");
    assertThat(Sequential.builder().build()).hasToString("Sequential()");
  }

  @Test
  void optionsThatAreNoDefaultsArePrinted() {
    ConvOptions options = ConvOptions.DEFAULT.withStride(2, 1).withDilation(3).withGroups(2);
    assertThat(Conv.builder(4, 6, 3, 1).options(options).relu().build(new SplittableRandom(1)))
        .hasToString("Conv(4 -> 6, kernel 3x1, stride 2x1, dilation 3, groups 2, ReLU)");
    assertThat(
            BatchNorm.builder(3)
                .options(RELU.withLeakyRelu(0.1).withLayout(Layout.NHWC).withEps(0))
                .withoutScale()
                .withoutShift()
                .withoutStatistics()
                .groups(2)
                .inPlace()
                .build())
        .hasToString(
            "BatchNorm(3, eps 0.0, channels last, no scale, no shift, no statistics, groups 2,"
                + " in place, leaky ReLU 0.1)");
    assertThat(BatchNorm.builder(3).renormalization(3, 5).build().toString())
        .contains("renormalized");
  }

  @Test
  void nestedLayersAreIndented() {
    Layer nested =
        Sequential.builder().add("block", new Scaled(Sequential.builder().build())).build();
    assertThat(nested)
        .hasToString(
            """
            Sequential(
              block: Scaled(
                inner: Sequential()
              )
            )""");
  }

  @Test
  void summaryHasShapesParametersAndTotals() {
    assertThat(model().summary(2, 1, 8, 8))
        .isEqualTo(
            """
            layer                output shape  parameters
            ---------------------------------------------
            Sequential           (2, 10)
              conv1: Conv        (2, 4, 8, 8)          36
              bn1: BatchNorm     (2, 4, 8, 8)           8
              pool1: function    (2, 4, 4, 4)
              flatten: function  (2, 64)
              drop: Dropout      (2, 64)
              fc: Dense          (2, 10)              650
            ---------------------------------------------
            694 parameters, 8 statistics, 2.8 KB""");
  }

  @Test
  void summaryWithoutAShapeHasNoColumnOfShapes() {
    assertThat(model().summary())
        .contains("  fc: Dense                 650\n")
        .doesNotContain("(")
        .endsWith("694 parameters, 8 statistics, 2.8 KB");
  }

  @Test
  void resNetsSummaryHasTheShapesInsideItsBlocks() {
    assertThat(ResNet.resNet20(10, 1).summary(1, 3, 32, 32))
        .containsPattern("Sequential +\\(1, 10\\)\n")
        .containsPattern("  layer2: Sequential +\\(1, 32, 16, 16\\)\n")
        .containsPattern("    0: ResidualBlock +\\(1, 32, 16, 16\\)\n")
        .containsPattern("      conv1: Conv +\\(1, 32, 16, 16\\) +4,608\n")
        .containsPattern("      bn2: BatchNorm +\\(1, 32, 16, 16\\) +64\n")
        .containsPattern("  pool: function +\\(1, 64\\)\n")
        .endsWith("269,722 parameters, 1,376 statistics, 1,084.4 KB");
  }

  /** A layer in two places is trained once, and may have another shape at each. */
  @Test
  void sharedLayerIsCountedOnce() {
    Layer shared = Conv.builder(1, 1, 3, 3).build(new SplittableRandom(1));
    String summary =
        Sequential.builder().add("a", shared).add("b", shared).build().summary(1, 1, 9, 9);
    assertThat(summary)
        .containsPattern("  a: Conv +\\(1, 1, 7, 7\\) +10\n")
        .containsPattern("  b: Conv +\\(1, 1, 5, 5\\) +as a\n")
        .contains("\n10 parameters, ");
  }

  @Test
  void parametersOfAUsersLayerStandBesideThoseInside() {
    Layer model = new Scaled(new Dense(3, 4, new SplittableRandom(1)));
    assertThat(model.summary(5, 3))
        .containsPattern("Scaled +\\(5, 4\\) +4\n")
        .containsPattern("  inner: Dense +\\(5, 4\\) +16\n")
        .contains("\n20 parameters, ");
  }

  /** A function has no class that says something, and no one calls it but the user's layer. */
  @Test
  void layerThatNobodyTellsOfHasNoShape() {
    Layer secret = (x, mode) -> x;
    assertThat(new Scaled(secret).summary(1, 4)).contains("  inner: function\n");
  }

  @Test
  void modelIsLeftAsItWasAndMemoryGoesBack() {
    BatchNorm norm = new BatchNorm(2, 1e-5);
    List<Tensor> outputs = new ArrayList<>();
    Layer keeps =
        (x, mode) -> {
          outputs.add(x.add(1));
          return outputs.get(0);
        };
    Layer model =
        Sequential.builder()
            .add("norm", norm)
            .add("drop", new Dropout(0.5, 1))
            .add("keeps", keeps)
            .build();
    Map<String, Stored> before = StateFile.save(model::visit);
    model.summary(4, 2);
    assertThat(StateFile.save(model::visit)).isEqualTo(before);
    assertThat(outputs).hasSize(1);
    assertThatThrownBy(() -> outputs.get(0).get(0, 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void inputThatDoesNotFitIsRefusedInTheLayersWords() {
    assertThatThrownBy(() -> model().summary(2, 3, 8, 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("x: expected shape (N, 1, ...)");
    assertThat(model().summary(2, 1, 8, 8)).contains("694");
  }

  @Test
  void dtypeOfParametersCountsInTheTotal() {
    assertThat(BatchNorm.builder(1000).dtype(DType.F64).build().summary())
        .endsWith("2,000 parameters, 2,000 statistics, 32.0 KB");
  }
}
