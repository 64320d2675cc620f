package io.github.jbatchnorm.batchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.InvalidBackpropException;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Everything that a batch normalization can have: gradients, and gradients of gradients. */
class BatchNormBuilderTest {
  private static final BatchNormOptions LEAKY =
      BatchNormOptions.DEFAULT.withEps(1e-2).withLeakyRelu(0.25);

  private static Tensor random(SplittableRandom random, int... shape) {
    return CentralDifferences.random(random, -2, 2, shape);
  }

  private static final Tensor MASK =
      Tensor.of(new double[] {1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1}, 4, 3).asConstant();

  /** Forms of the call, of x, gamma, beta, z (4, 2, 3), mean and positive var. */
  private enum Form {
    TAIL,
    ADD,
    LAST,
    GIVEN,
    MASKED,
    WEIGHTED,
    GIVEN_MASKED,
    GROUPS,
    PLAIN;

    BatchNormBuilder of(List<Tensor> in) {
      BatchNormBuilder plain = BatchNormOp.on(in.get(0)).gamma(in.get(1)).beta(in.get(2));
      return switch (this) {
        case PLAIN -> plain;
        case TAIL -> plain.options(LEAKY);
        case ADD -> TAIL.of(in).add(in.get(3));
        case LAST ->
            BatchNormOp.on(in.get(0).reshape(4, 3, 2))
                .gamma(in.get(1))
                .beta(in.get(2))
                .add(in.get(3).reshape(4, 3, 2))
                .options(LEAKY.withLayout(Layout.NHWC));
        case GIVEN -> ADD.of(in).given(in.get(4), in.get(5));
        case MASKED -> ADD.of(in).mask(MASK);
        case WEIGHTED ->
            TAIL.of(in).sampleWeights(Tensor.of(new double[] {0.5, 2, 1, 0.25}).asConstant());
        case GIVEN_MASKED -> GIVEN.of(in).mask(MASK);
        case GROUPS -> ADD.of(in).groups(2);
      };
    }

    int inputs() {
      return switch (this) {
        case TAIL, WEIGHTED, PLAIN -> 3;
        case GIVEN, GIVEN_MASKED -> 6;
        default -> 4;
      };
    }

    List<Tensor> random(SplittableRandom random) {
      return Stream.of(
              BatchNormBuilderTest.random(random, 4, 2, 3),
              BatchNormBuilderTest.random(random, 2),
              BatchNormBuilderTest.random(random, 2),
              BatchNormBuilderTest.random(random, 4, 2, 3),
              BatchNormBuilderTest.random(random, 2),
              CentralDifferences.random(random, 0.5, 2, 2))
          .limit(inputs())
          .toList();
    }
  }

  @ParameterizedTest
  @EnumSource
  void gradientsMatchDifferences(Form form) {
    SplittableRandom random = new SplittableRandom(11);
    CentralDifferences.check(random, inputs -> form.of(inputs).apply(), form.random(random));
  }

  /** The squares of all gradients, summed: a function with gradients of its own. */
  private static Tensor squaredGradients(Tensor y, Tensor seed, List<Tensor> inputs) {
    Tensor sum = Tensor.scalar(0);
    for (Tensor gradient : Gradients.of(y.multiply(y), seed, inputs)) {
      sum = sum.add(gradient.multiply(gradient).sum());
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource
  void gradientsOfGradientsMatchDifferences(Form form) {
    SplittableRandom random = new SplittableRandom(12);
    Tensor seed = Tensor.scalar(1).asConstant();
    Function<List<Tensor>, Tensor> function =
        inputs -> squaredGradients(form.of(inputs).apply(), seed, inputs);
    List<Tensor> inputs = form.random(random);
    Tensor value = function.apply(inputs);
    value.backward();
    List<double[]> found = inputs.stream().map(input -> input.grad().toDoubleArray()).toList();
    for (int k = 0; k < inputs.size(); k++) {
      for (int i = 0; i < inputs.get(k).size(); i++) {
        double expected = difference(function, inputs, inputs.get(k), i);
        assertThat(found.get(k)[i])
            .as("input %d, element %d", k, i)
            .isCloseTo(expected, within(2e-6 * Math.max(1, Math.abs(expected))));
      }
    }
  }

  private static double difference(
      Function<List<Tensor>, Tensor> function, List<Tensor> inputs, Tensor input, int at) {
    double h = 1e-3;
    double[] steps = {h, -h, 2 * h, -2 * h};
    double[] values = new double[4];
    double before = input.storage().get(at);
    for (int i = 0; i < 4; i++) {
      input.storage().set(at, before + steps[i]);
      values[i] = function.apply(inputs).item();
    }
    input.storage().set(at, before);
    return (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * h);
  }

  @Test
  void thirdGradientsMatchDifferences() {
    SplittableRandom random = new SplittableRandom(13);
    Tensor seed = random(random, 5, 2).asConstant();
    Function<List<Tensor>, Tensor> second =
        inputs -> {
          Tensor y = Functions.batchnorm(inputs.get(0), null, null, 1e-1);
          Tensor first = Gradients.of(y, seed, inputs).get(0);
          Tensor again = Gradients.of(first.multiply(first).sum(), inputs.get(0)).get(0);
          return again.multiply(again).sum();
        };
    List<Tensor> inputs = List.of(random(random, 5, 2));
    second.apply(inputs).backward();
    double[] found = inputs.get(0).grad().toDoubleArray();
    for (int i = 0; i < found.length; i++) {
      double expected = difference(second, inputs, inputs.get(0), i);
      assertThat(found[i]).isCloseTo(expected, within(1e-5 * Math.max(1, Math.abs(expected))));
    }
  }

  @Test
  void inPlaceGivesTheOutputAndGradientsOfTheCopy() {
    SplittableRandom random = new SplittableRandom(14);
    Tensor x = random(random, 6, 3, 4);
    Tensor gamma = CentralDifferences.random(random, 0.5, 2, 3);
    Tensor beta = random(random, 3);
    Tensor seed = random(random, 6, 3, 4);
    Tensor expected = Functions.batchnorm(x.add(0), gamma, beta, LEAKY);
    double[] values = expected.toDoubleArray();
    expected.backward(seed);
    double[][] gradients = {
      x.grad().toDoubleArray(), gamma.grad().toDoubleArray(), beta.grad().toDoubleArray()
    };
    Tensor intermediate = x.add(0);
    Tensor y =
        BatchNormOp.on(intermediate).gamma(gamma).beta(beta).options(LEAKY).inPlace().apply();
    assertThat(y.storage()).isSameAs(intermediate.storage());
    assertThat(y.toDoubleArray()).containsExactly(values);
    y.backward(seed);
    assertThat(x.grad().toDoubleArray())
        .usingComparatorWithPrecision(1e-13)
        .containsExactly(gradients[0]);
    assertThat(gamma.grad().toDoubleArray())
        .usingComparatorWithPrecision(1e-13)
        .containsExactly(gradients[1]);
    assertThat(beta.grad().toDoubleArray())
        .usingComparatorWithPrecision(1e-13)
        .containsExactly(gradients[2]);
  }

  @Test
  void whoNeedsTheOldXOfACallInPlaceIsTold() {
    Tensor x = Tensor.of(new double[] {1, 2, 3, 5}, 4, 1);
    Tensor middle = x.add(0);
    Tensor square = middle.multiply(middle);
    Tensor y = BatchNormOp.on(middle).inPlace().apply();
    assertThatThrownBy(() -> y.add(square).backward())
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessageContaining("was changed in place");
  }

  @Test
  void maskedPositionsTakePartInNothing() {
    SplittableRandom random = new SplittableRandom(15);
    double[] values = random.doubles(24).toArray();
    Tensor clean = Tensor.of(values, 4, 2, 3);
    Tensor y = BatchNormOp.on(clean).mask(MASK).apply();
    y.backward();
    double[] dirty = values.clone();
    for (int n = 0; n < 4; n++) {
      for (int s = 0; s < 3; s++) {
        for (int c = 0; c < 2 && MASK.get(n, s) == 0; c++) {
          dirty[(n * 2 + c) * 3 + s] = Double.NaN;
        }
      }
    }
    Tensor padded = Tensor.of(dirty, 4, 2, 3);
    Tensor again = BatchNormOp.on(padded).mask(MASK).apply();
    again.backward();
    assertThat(again.toDoubleArray()).containsExactly(y.toDoubleArray());
    assertThat(padded.grad().toDoubleArray()).containsExactly(clean.grad().toDoubleArray());
    assertThat(again.get(0, 0, 1)).isZero();
  }

  @Test
  void weightsCountAsRepetitions() {
    Tensor x = Tensor.of(new double[] {1, 4, 9}, 3, 1);
    Tensor repeated = Tensor.of(new double[] {1, 4, 4, 9, 9, 9}, 6, 1);
    BatchNormOp op = BatchNormOp.on(x).sampleWeights(Tensor.of(new double[] {1, 2, 3})).operation();
    op.apply();
    BatchNormOp expected = BatchNormOp.on(repeated).operation();
    expected.apply();
    assertThat(op.mean().item()).isCloseTo(expected.mean().item(), within(1e-14));
    assertThat(op.var().item()).isCloseTo(expected.var().item(), within(1e-14));
    assertThat(op.totalWeight()).isEqualTo(6);
  }

  @Test
  void groupsHaveStatisticsOfTheirOwn() {
    Tensor x = Tensor.of(new double[] {1, 3, 10, 30}, 4, 1);
    BatchNormOp op = BatchNormOp.on(x).groups(2).operation();
    op.apply();
    assertThat(op.mean().shape()).containsExactly(2, 1);
    assertThat(op.mean().toDoubleArray()).containsExactly(2, 20);
    assertThat(op.var().toDoubleArray()).containsExactly(1, 100);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void sixteenBitsKeepF32Parameters(DType dtype) {
    Tensor x = Tensor.of(new float[] {1, 10, 3, 30}, 2, 2);
    Tensor half = x.astype(dtype);
    Tensor gamma = Tensor.of(new float[] {1.5f, 2});
    Tensor y = Functions.batchnorm(half, gamma, null, 1e-5);
    y.sum(0).backward(Tensor.of(new float[] {1, 2}));
    assertThat(y.dtype()).isEqualTo(dtype);
    assertThat(y.toDoubleArray()).containsExactly(-1.5, -2, 1.5, 2);
    assertThat(gamma.grad().dtype()).isEqualTo(DType.F32);
    assertThat(x.grad().dtype()).isEqualTo(DType.F32);
  }

  @Test
  void momentsAreDifferentiable() {
    SplittableRandom random = new SplittableRandom(16);
    CentralDifferences.check(
        random,
        inputs -> {
          ChannelMoments moments = ChannelMoments.of(inputs.get(0), Layout.NCHW);
          return moments.mean().multiply(moments.var().sqrt());
        },
        List.of(random(random, 4, 3, 2)));
  }

  @Test
  void splitStatisticsGiveTheGradientsOfTheWhole() {
    SplittableRandom random = new SplittableRandom(17);
    Tensor x = random(random, 5, 3, 2);
    Tensor seed = random(random, 5, 3, 2);
    Functions.batchnorm(x, null, null, 1e-5).backward(seed);
    double[] expected = x.grad().toDoubleArray();
    ChannelMoments moments = ChannelMoments.of(x, Layout.NCHW);
    BatchNormOp.on(x).given(moments.mean(), moments.var()).apply().backward(seed);
    assertThat(x.grad().toDoubleArray())
        .usingComparatorWithPrecision(1e-12)
        .containsExactly(expected);
  }

  static Stream<Function<BatchNormBuilder, BatchNormBuilder>> excluded() {
    Tensor c = Tensor.of(new double[] {1, 1});
    return Stream.of(
        builder -> builder.groups(3),
        builder -> builder.groups(2).mask(MASK),
        builder -> builder.inPlace().mask(MASK),
        builder -> builder.inPlace().groups(2),
        builder -> builder.given(c, c).groups(2),
        builder -> builder.given(c, c).inPlace(),
        builder -> builder.mask(Tensor.of(new double[] {1})),
        builder -> builder.sampleWeights(Tensor.of(new double[] {1})),
        builder -> builder.add(Tensor.of(new double[24], 4, 3, 2)),
        builder -> builder.options(BatchNormOptions.DEFAULT.withRelu()).inPlace());
  }

  @ParameterizedTest
  @MethodSource("excluded")
  void whatDoesNotGoTogetherIsRefused(Function<BatchNormBuilder, BatchNormBuilder> wrong) {
    Tensor x = Tensor.zeros(DType.F64, 4, 2, 3);
    assertThatThrownBy(() -> wrong.apply(BatchNormOp.on(x)).apply())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("(?s)(groups|inPlace|given|mask|sampleWeights|z|slope): .*");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aCheckpointGivesTheSameGradients(int constantInput) {
    SplittableRandom random = new SplittableRandom(18);
    Tensor variable = random(random, 4, 2, 3);
    Tensor x = constantInput == 1 ? variable.asConstant() : variable;
    Tensor gamma = random(random, 2);
    Tensor seed = random(random, 4, 2, 3);
    Function<Tensor, Tensor> block =
        in -> Functions.batchnorm(in.multiply(3), gamma, null, LEAKY).exp();
    block.apply(x).multiply(gamma.reshape(1, 2, 1)).backward(seed);
    double[] expected = gamma.grad().toDoubleArray();
    double[] dx = x.grad() == null ? null : x.grad().toDoubleArray();
    Tensor y = Checkpoint.of(block::apply, x, List.of(gamma));
    y.multiply(gamma.reshape(1, 2, 1)).backward(seed);
    assertThat(gamma.grad().toDoubleArray()).containsExactly(expected);
    assertThat(x.grad() == null ? null : x.grad().toDoubleArray()).isEqualTo(dx);
    assertThat(Checkpoint.isRecomputing()).isFalse();
  }

  @Test
  void gradientsOfWhatDoesNotDependAreZeroAndConstantsAreRefused() {
    Tensor x = Tensor.of(new double[] {1, 2});
    Tensor other = Tensor.of(new double[] {3});
    assertThat(Gradients.of(x.multiply(x), x, other).get(1).toDoubleArray()).containsExactly(0);
    assertThatThrownBy(() -> Gradients.of(x, x.asConstant()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("inputs: input 0 is constant");
  }
}
