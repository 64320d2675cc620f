package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.models.ResNet;
import io.github.jbatchnorm.nn.models.ResidualBlock;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever lies inside layers, however deep, is found by everything that looks for it. */
class NestedLayersTest {
  private static final int CHANNELS = 4;

  /** A user's layer that names what is inside. */
  private record Named(Layer inner) implements Layer {
    @Override
    public Tensor forward(Tensor x, Mode mode) {
      return inner.forward(x, mode);
    }

    @Override
    public Map<String, Layer> children() {
      return Map.of("inner", inner);
    }
  }

  /** A user's layer that shows what is inside to visitors alone. */
  private record Shown(Layer inner) implements Layer {
    @Override
    public Tensor forward(Tensor x, Mode mode) {
      return inner.forward(x, mode);
    }

    @Override
    public void visit(StateVisitor visitor) {
      inner.visit(visitor.within("shown."));
    }
  }

  private static Layer model(SplittableRandom random, int depth) {
    int kind = depth == 0 ? random.nextInt(3) : random.nextInt(7);
    return switch (kind) {
      case 0 -> new BatchNorm(CHANNELS, 1e-5);
      case 1 -> BatchNorm.builder(CHANNELS).cumulative().newValueWeight(0.3).build();
      case 2 -> new ResidualBlock(CHANNELS, CHANNELS, 1, random);
      case 3 -> new Named(model(random, depth - 1));
      case 4 -> new Shown(model(random, depth - 1));
      default ->
          Sequential.builder()
              .add("0", model(random, depth - 1))
              .add("1", model(random, depth - 1))
              .build();
    };
  }

  private static Tensor input(long seed) {
    return Tensors.normal(DType.F32, new SplittableRandom(seed), 5, 3, 16, CHANNELS, 8, 8)
        .asConstant();
  }

  private static void assertRecalibrates(Layer model, Tensor x) {
    Serving.recalibrate(model, List.of(x));
    double[] trained = NoAutodiff.call(() -> model.forward(x, Mode.TRAINING)).toDoubleArray();
    Serving.recalibrate(model, List.of(x));
    double[] evaluated = model.forward(x, Mode.EVALUATION).toDoubleArray();
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < trained.length; i++) {
      largest = Math.max(largest, Math.abs(trained[i]));
      difference = Math.max(difference, Math.abs(trained[i] - evaluated[i]));
    }
    assertThat(difference).isLessThan(0.05 * largest);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void afterRecalibrationABatchEvaluatesAsItTrains(long seed) {
    assertRecalibrates(model(new SplittableRandom(seed), 3), input(seed));
  }

  @Test
  void everyStatisticOfResNet20IsRecalibrated() {
    Sequential network = ResNet.resNet20(10, 1);
    Map<String, BatchNorm> norms = BatchNorms.of(network);
    assertThat(norms).hasSize(19).containsKeys("bn1.", "layer1.0.bn1.", "layer3.2.bn2.");
    Tensor x = Tensors.normal(DType.F32, new SplittableRandom(1), 5, 3, 8, 3, 16, 16).asConstant();
    assertRecalibrates(network, x);
    norms.forEach(
        (name, norm) -> {
          assertThat(norm.runningMean().toDoubleArray()).as(name).doesNotContain(0);
          assertThat(norm.runningVar().toDoubleArray()).as(name).doesNotContain(1);
        });
  }

  @Test
  void aBatchNormThatIsNotShownIsRefusedInRecalibration() {
    BatchNorm hidden = new BatchNorm(CHANNELS, 1e-5);
    BatchNorm shown = new BatchNorm(CHANNELS, 1e-5);
    Layer model =
        Sequential.builder()
            .add("shown", shown)
            .add("hidden", x -> hidden.forward(x, Mode.TRAINING))
            .build();
    assertThatThrownBy(() -> Serving.recalibrate(model, List.of(input(1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "model: runs a batch norm of 4 channels that neither children() nor visit() shows");
    assertThat(shown.runningMean().toDoubleArray()).containsOnly(0);
    assertThat(hidden.runningMean().toDoubleArray()).containsOnly(0);
    hidden.forward(input(1), Mode.TRAINING);
    assertThat(hidden.runningMean().toDoubleArray()).doesNotContain(0);
  }

  @Test
  void childrenAreTheNamesOfTheState() {
    Layer block = new ResidualBlock(2, 4, 2, new SplittableRandom(1));
    assertThat(block.children().keySet()).containsExactly("conv1", "bn1", "conv2", "bn2");
    Layer named = new Named(new Named(new BatchNorm(2, 1e-5)));
    assertThat(StateFile.save(named::visit)).containsKey("inner.inner.running_mean");
    assertThat(named.parameters()).containsOnlyKeys("inner.inner.weight", "inner.inner.bias");
  }

  private static void assertFoldsTo(Sequential model, Tensor x) {
    Sequential folded = Serving.folded(model);
    assertThat(BatchNorms.of(folded)).isEmpty();
    Tensor expected = model.forward(x, Mode.EVALUATION);
    assertThat(folded.forward(x, Mode.EVALUATION).allClose(expected, 1e-4, 1e-4)).isTrue();
  }

  @Test
  void residualBlocksAreFolded() {
    Sequential network = ResNet.create(1, 10, 3);
    Tensor x = Tensors.normal(DType.F32, new SplittableRandom(2), 1, 2, 8, 3, 16, 16).asConstant();
    Serving.recalibrate(network, List.of(x));
    assertFoldsTo(network, x);
  }

  private static Conv conv(SplittableRandom random) {
    Conv.Builder conv = Conv.builder(CHANNELS, CHANNELS, 3, 3);
    conv.options(ConvOptions.DEFAULT.withPadding(1));
    return (random.nextBoolean() ? conv : conv.withoutBias()).build(random);
  }

  private static BatchNorm norm(SplittableRandom random) {
    double slope = new double[] {1, 0, 0.1}[random.nextInt(3)];
    BatchNorm.Builder norm = BatchNorm.builder(CHANNELS);
    norm.options(BatchNormOptions.DEFAULT.withLeakyRelu(slope).withEps(1e-3));
    norm = random.nextBoolean() ? norm : norm.withoutScale();
    norm = random.nextBoolean() ? norm : norm.withoutShift();
    return (random.nextBoolean() ? norm : norm.renormalization(2, 1)).build();
  }

  /** Only of what can be folded, some of it in two places. */
  private static Sequential foldable(SplittableRandom random, int depth) {
    Sequential.Builder model = Sequential.builder();
    Conv shared = conv(random);
    BatchNorm sharedNorm = norm(random);
    for (int i = 0; i < 3; i++) {
      String name = Integer.toString(i);
      switch (random.nextInt(depth == 0 ? 3 : 4)) {
        case 0 -> model.add("conv" + name, conv(random)).add("bn" + name, norm(random));
        case 1 -> model.add("shared" + name, shared).add("again" + name, sharedNorm);
        case 2 -> model.add("block" + name, new ResidualBlock(CHANNELS, CHANNELS, 1, random));
        default -> model.add("inner" + name, foldable(random, depth - 1));
      }
      model.add("relu" + name, Tensor::relu);
    }
    return model.build();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void whatIsFoldedEvaluatesToTheSame(long seed) {
    Sequential model = foldable(new SplittableRandom(seed), 2);
    Serving.recalibrate(model, List.of(input(seed)));
    assertFoldsTo(model, input(seed));
  }

  private static Sequential two(Layer first, Layer second) {
    return Sequential.builder()
        .add("head", Sequential.builder().add("first", first).add("second", second).build())
        .build();
  }

  private static void assertRefused(Sequential model, String message) {
    assertThatThrownBy(() -> Serving.folded(model))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("model: batch norm " + message);
  }

  @Test
  void aBatchNormThatCannotBeFoldedIsRefusedByName() {
    SplittableRandom random = new SplittableRandom(1);
    BatchNorm norm = new BatchNorm(3, 1e-5);
    Conv conv = Conv.builder(2, 3, 1).build(random);
    assertRefused(
        two((x, mode) -> x, norm),
        "head.second cannot be folded: no convolution or dense layer lies right before it in a"
            + " Sequential");
    assertRefused(
        two(conv, new Named(norm)),
        "head.second.inner cannot be folded: no convolution or dense layer lies right before it in"
            + " a Sequential");
    assertRefused(
        two(new Shown(norm), conv),
        "head.first.shown cannot be folded: no convolution or dense layer lies right before it in a"
            + " Sequential");
    assertRefused(
        two(Conv.builder(2, 3, 1).relu().build(random), norm),
        "head.second cannot be folded: it follows a convolution's ReLU");
    assertRefused(
        two(conv, BatchNorm.builder(3).withoutStatistics().build()),
        "head.second cannot be folded: it tracks no statistics");
    assertRefused(
        two(conv, new BatchNorm(4, 1e-5)),
        "head.second cannot be folded: it has 4 channels, the layer before it 3 outputs");
    assertRefused(
        two(
            conv,
            BatchNorm.builder(3)
                .options(
                    BatchNormOptions.DEFAULT.withLayout(io.github.jbatchnorm.kernel.Layout.NHWC))
                .build()),
        "head.second cannot be folded: it has its channels in the last axis, the convolution in"
            + " axis 1");
    BatchNorm again = new BatchNorm(3, 1e-5);
    assertRefused(
        Sequential.builder().add("conv", conv).add("bn1", norm).add("bn2", again).build(),
        "bn2 cannot be folded: no convolution or dense layer lies right before it in a"
            + " Sequential");
  }

  @Test
  void f64IsFoldedInF64() {
    BatchNorm norm = BatchNorm.builder(3).dtype(DType.F64).build();
    Sequential model =
        Sequential.builder()
            .add("dense", new Dense(2, 3, new SplittableRandom(1)))
            .add("norm", norm)
            .build();
    Tensor x = Tensors.normal(DType.F32, new SplittableRandom(2), 5, 3, 16, 2).asConstant();
    Serving.recalibrate(model, List.of(x));
    assertFoldsTo(model, x);
    assertThat(Serving.folded(model).forward(x, Mode.EVALUATION).dtype()).isEqualTo(DType.F64);
  }
}
