package io.github.jbatchnorm.batchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.InvalidBackpropException;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Batch normalization as an operation: every row of the contract's table of inputs. */
class BatchNormOpTest {
  private static final double EPS = 1e-3;

  private static Tensor random(SplittableRandom random, int... shape) {
    return CentralDifferences.random(random, -2, 2, shape);
  }

  static IntStream rounds() {
    return IntStream.range(0, 10);
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void agreesWithTheCompositionOfElementaryOperations(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int[] shape = random.ints(2 + round % 4, 2, 6).toArray();
    int[] channels = new int[shape.length];
    Arrays.fill(channels, 1);
    channels[1] = shape[1];
    int[] others = IntStream.range(0, shape.length).filter(axis -> axis != 1).toArray();
    Tensor seed = random(random, shape).asConstant();
    Tensor x = random(random, shape);
    Tensor gamma = random(random, shape[1]);
    Tensor beta = random(random, shape[1]);
    Tensor composed =
        x.subtract(x.mean(true, others))
            .divide(x.var(true, others).add(EPS).sqrt())
            .multiply(gamma.reshape(channels))
            .add(beta.reshape(channels));
    composed.backward(seed);
    Tensor[] expected = {x.grad(), gamma.grad(), beta.grad()};
    Tensor y = Functions.batchnorm(x, gamma, beta, EPS);
    y.backward(seed);
    assertClose(y, composed);
    assertClose(x.grad(), expected[0]);
    assertClose(gamma.grad(), expected[1]);
    assertClose(beta.grad(), expected[2]);
  }

  private static void assertClose(Tensor actual, Tensor expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.toDoubleArray())
        .usingComparatorWithPrecision(1e-12)
        .containsExactly(expected.toDoubleArray());
  }

  @Test
  void creatorShowsMeanAndBiasedVariance() {
    Tensor x = Tensor.of(new double[] {1, 10, 3, 30}, 2, 2);
    BatchNormOp op = (BatchNormOp) Functions.batchnorm(x, null, null, EPS).creator();
    assertThat(op.mean().toDoubleArray()).containsExactly(2, 20);
    assertThat(op.var().toDoubleArray()).containsExactly(1, 100);
    assertThat(op.mean().shape()).containsExactly(2);
  }

  @Test
  void creatorOfConstantsShowsMeanToo() {
    Tensor x = Tensor.of(new double[] {1, 3}, 2, 1).asConstant();
    BatchNormOp op = (BatchNormOp) Functions.batchnorm(x, null, null, EPS).creator();
    assertThat(op.mean().item()).isEqualTo(2);
  }

  @Test
  void statisticsAreThereFromApplyOn() {
    Tensor x = Tensor.of(new double[] {1, 10, 3, 30}, 2, 2);
    BatchNormOp op = BatchNormOp.on(x).operation();
    assertThatThrownBy(op::mean)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("mean: computed by apply, which has not been called");
    assertThatThrownBy(op::var).hasMessageStartingWith("var: computed by apply");
    op.apply().backward();
    assertThat(op.mean().toDoubleArray()).containsExactly(2, 20);
    assertThat(op.var().toDoubleArray()).containsExactly(1, 100);
    BatchNormOp untaped = BatchNormOp.on(x).operation();
    NoAutodiff.call(untaped::apply);
    assertThat(untaped.mean().toDoubleArray()).containsExactly(2, 20);
    assertThat(untaped.var().toDoubleArray()).containsExactly(1, 100);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anOperationIsAppliedOnce(boolean recording) {
    Tensor x = Tensor.of(new double[] {1, 10, 3, 30}, 2, 2);
    BatchNormOp op = BatchNormOp.on(x).inPlace().operation();
    double[] y = (recording ? op.apply() : NoAutodiff.call(op::apply)).toDoubleArray();
    assertThatThrownBy(op::apply)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("BatchNorm: applied before");
    assertThat(x.toDoubleArray()).containsExactly(y);
    assertThat(op.mean().toDoubleArray()).containsExactly(2, 20);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void gammaAndBetaAreEachOptional(int which) {
    SplittableRandom random = new SplittableRandom(which);
    Tensor x = random(random, 4, 3, 5);
    Tensor gamma = (which & 1) == 0 ? null : random(random, 3);
    Tensor beta = (which & 2) == 0 ? null : random(random, 3);
    Tensor one = Tensor.of(new double[] {1, 1, 1}).asConstant();
    Tensor zero = Tensor.of(new double[] {0, 0, 0}).asConstant();
    Tensor whole =
        Functions.batchnorm(x, gamma == null ? one : gamma, beta == null ? zero : beta, EPS);
    Tensor seed = random(random, 4, 3, 5);
    whole.backward(seed);
    double[] dx = x.grad().toDoubleArray();
    double[] dGamma = gamma == null ? null : gamma.grad().toDoubleArray();
    double[] dBeta = beta == null ? null : beta.grad().toDoubleArray();
    Tensor y = Functions.batchnorm(x, gamma, beta, EPS);
    y.backward(seed);
    assertThat(y.toDoubleArray()).containsExactly(whole.toDoubleArray());
    assertThat(x.grad().toDoubleArray()).containsExactly(dx);
    assertThat(gamma == null ? null : gamma.grad().toDoubleArray()).isEqualTo(dGamma);
    assertThat(beta == null ? null : beta.grad().toDoubleArray()).isEqualTo(dBeta);
  }

  @Test
  void fewerThanTwoAxesAreRefused() {
    Tensor x = Tensor.of(new double[] {1, 2});
    assertThatThrownBy(() -> Functions.batchnorm(x, null, null, EPS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x: expected at least two axes, (N, C, ...), got shape (2)");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e-9, Double.NaN, Double.POSITIVE_INFINITY})
  void epsOutOfRangeIsRefused(double eps) {
    Tensor x = Tensor.of(new double[] {1, 2}, 2, 1);
    assertThatThrownBy(() -> Functions.batchnorm(x, null, null, eps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("eps: ");
  }

  @Test
  void epsZeroIsAllowed() {
    Tensor x = Tensor.of(new double[] {1, 3}, 2, 1);
    assertThat(Functions.batchnorm(x, null, null, 0).toDoubleArray()).containsExactly(-1, 1);
  }

  @Test
  void channelWithoutVarianceAndEpsIsNaNAndAlone() {
    Tensor x = Tensor.of(new double[] {5, 1, 5, 3}, 2, 2);
    Tensor gamma = Tensor.of(new double[] {2, 2});
    Tensor beta = Tensor.of(new double[] {1, 1});
    Tensor y = Functions.batchnorm(x, gamma, beta, 0);
    y.backward(3);
    assertThat(y.toDoubleArray()).containsExactly(Double.NaN, -1, Double.NaN, 3);
    assertThat(x.grad().toDoubleArray()).containsExactly(Double.NaN, 0, Double.NaN, 0);
    assertThat(gamma.grad().toDoubleArray()).containsExactly(Double.NaN, 0);
    assertThat(beta.grad().toDoubleArray()).containsExactly(6, 6);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void channelWithANonFiniteElementIsNaNAndAlone(double bad) {
    Tensor x = Tensor.of(new double[] {bad, 1, 5, 3, 7, 2}, 3, 2);
    Tensor clean = Tensor.of(new double[] {1, 3, 2}, 3, 1);
    Tensor seed = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Tensor y = Functions.batchnorm(x, null, null, EPS);
    Tensor expected = Functions.batchnorm(clean, null, null, EPS);
    y.backward(seed);
    expected.backward(Tensor.of(new double[] {2, 4, 6}, 3, 1));
    for (int i = 0; i < 3; i++) {
      assertThat(y.get(i, 0)).isNaN();
      assertThat(y.get(i, 1)).isEqualTo(expected.get(i, 0));
      assertThat(x.grad().get(i, 0)).isNaN();
      assertThat(x.grad().get(i, 1)).isEqualTo(clean.grad().get(i, 0));
    }
  }

  @Test
  void oneElementAChannelGivesBetaAndNoGradient() {
    Tensor x = Tensor.of(new double[] {5, -7}, 1, 2);
    Tensor gamma = Tensor.of(new double[] {2, 3});
    Tensor beta = Tensor.of(new double[] {0.1, 0.2});
    Tensor y = Functions.batchnorm(x, gamma, beta, EPS);
    y.backward(4);
    assertThat(y.toDoubleArray()).containsExactly(0.1, 0.2);
    assertThat(x.grad().toDoubleArray()).containsExactly(0, 0);
    assertThat(gamma.grad().toDoubleArray()).containsExactly(0, 0);
    assertThat(beta.grad().toDoubleArray()).containsExactly(4, 4);
  }

  static int[][] emptyChannels() {
    return new int[][] {{0, 3}, {0, 3, 4}, {2, 3, 0}};
  }

  @ParameterizedTest
  @MethodSource("emptyChannels")
  void noElementsGiveEmptyOutputsAndZeroGradients(int... shape) {
    Tensor x = Tensor.zeros(DType.F64, shape);
    Tensor gamma = Tensor.of(new double[] {1, 1, 1});
    Tensor beta = Tensor.of(new double[] {1, 1, 1});
    Tensor y = Functions.batchnorm(x, gamma, beta, EPS);
    BatchNormOp op = (BatchNormOp) y.creator();
    y.backward();
    assertThat(y.shape()).containsExactly(shape);
    assertThat(x.grad().shape()).containsExactly(shape);
    assertThat(op.mean().toDoubleArray()).containsOnly(Double.NaN);
    assertThat(op.var().toDoubleArray()).containsOnly(Double.NaN);
    assertThat(gamma.grad().toDoubleArray()).containsExactly(0, 0, 0);
    assertThat(beta.grad().toDoubleArray()).containsExactly(0, 0, 0);
  }

  @Test
  void noChannelsAreNoError() {
    Tensor x = Tensor.zeros(DType.F64, 2, 0, 3);
    Tensor gamma = Tensor.zeros(DType.F64, 0);
    Tensor y = Functions.batchnorm(x, gamma, null, EPS);
    y.backward();
    assertThat(y.shape()).containsExactly(2, 0, 3);
    assertThat(x.grad().shape()).containsExactly(2, 0, 3);
    assertThat(gamma.grad().shape()).containsExactly(0);
  }

  static int[][] parameterShapes() {
    return new int[][] {{1, 3}, {1, 3, 1, 1}, {3, 1}, {3}};
  }

  @ParameterizedTest
  @MethodSource("parameterShapes")
  void parametersOfAnotherShapeGetGradientsOfTheirs(int... shape) {
    SplittableRandom random = new SplittableRandom(7);
    Tensor x = random(random, 4, 3, 2, 2);
    Tensor gamma = random(random, shape);
    Tensor beta = random(random, shape);
    Tensor seed = random(random, 4, 3, 2, 2);
    Functions.batchnorm(x, gamma, beta, EPS).backward(seed);
    assertThat(gamma.grad().shape()).containsExactly(shape);
    double[] dBeta = seed.sum(0, 2, 3).toDoubleArray();
    for (int c = 0; c < 3; c++) {
      assertThat(beta.grad().toDoubleArray()[c]).isCloseTo(dBeta[c], within(1e-14));
    }
  }

  @Test
  void wrongNumberOfElementsIsRefusedByName() {
    Tensor x = Tensor.zeros(DType.F32, 2, 64);
    Tensor bad = Tensor.zeros(DType.F32, 32);
    Tensor good = Tensor.zeros(DType.F32, 64);
    assertThatThrownBy(() -> Functions.batchnorm(x, bad, good, EPS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gamma: expected 64 elements (C), got 32 (shape (32))");
    assertThatThrownBy(() -> Functions.batchnorm(x, good, bad, EPS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("beta: expected 64 elements (C), got 32 (shape (32))");
  }

  @Test
  void integersArePromotedAndConstantButParametersLearn() {
    Tensor x = Tensor.ofInts(new int[] {1, 2, 3, 4}, 4, 1);
    Tensor gamma = Tensor.of(new float[] {1});
    Tensor y = Functions.batchnorm(x, gamma, null, EPS);
    y.backward();
    assertThat(y.dtype()).isEqualTo(DType.F64);
    assertThat(x.grad()).isNull();
    assertThat(gamma.grad().dtype()).isEqualTo(DType.F32);
  }

  @Test
  void mixedDtypesPromoteAndEachGradientHasItsVariablesDtype() {
    SplittableRandom random = new SplittableRandom(3);
    Tensor x = random(random, 4, 2);
    Tensor single = Tensor.of(x.toFloatArray(), 4, 2);
    Tensor gamma = random(random, 2);
    Tensor y = Functions.batchnorm(single, gamma, null, EPS);
    y.backward(random(random, 4, 2));
    assertThat(y.dtype()).isEqualTo(DType.F64);
    assertThat(single.grad().dtype()).isEqualTo(DType.F32);
    assertThat(gamma.grad().dtype()).isEqualTo(DType.F64);
  }

  @Test
  void gammaChangedBetweenForwardAndBackwardThrows() {
    Tensor x = Tensor.of(new double[] {1, 2, 3, 4}, 4, 1);
    Tensor gamma = Tensor.of(new double[] {1});
    Tensor y = Functions.batchnorm(x, gamma, null, EPS);
    gamma.update(storage -> storage.set(0, 9));
    assertThatThrownBy(y::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessageContaining("input 1 of shape (1) was changed in place");
  }

  @Test
  void channelsLastGivesTheBitsOfChannelsFirst() {
    SplittableRandom random = new SplittableRandom(5);
    Tensor first = random(random, 3, 5, 4, 2);
    Tensor last = first.transpose(0, 2, 3, 1).copy();
    Tensor x = Tensor.of(last.toDoubleArray(), 3, 4, 2, 5);
    Tensor y =
        Functions.batchnorm(
            x, null, null, BatchNormOptions.DEFAULT.withEps(EPS).withLayout(Layout.NHWC));
    Tensor expected = Functions.batchnorm(first, null, null, EPS);
    assertThat(y.transpose(0, 3, 1, 2).toDoubleArray()).containsExactly(expected.toDoubleArray());
  }
}
