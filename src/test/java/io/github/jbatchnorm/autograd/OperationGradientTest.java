package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Convolution;
import io.github.jbatchnorm.kernel.Layout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation's gradient against central differences in f64, over random shapes. */
class OperationGradientTest {
  private static final int ROUNDS = 6;

  private static Arguments unary(String name, double low, double high, UnaryOperator<Tensor> op) {
    return Arguments.of(name, low, high, op);
  }

  static Stream<Arguments> unaryOperations() {
    return Stream.of(
        unary("negate", -2, 2, Tensor::negate),
        unary("add a number", -2, 2, x -> x.add(3)),
        unary("subtract a number", -2, 2, x -> x.subtract(3)),
        unary("multiply by a number", -2, 2, x -> x.multiply(-3)),
        unary("divide by a number", -2, 2, x -> x.divide(7)),
        unary("pow 2", -2, 2, x -> x.pow(2)),
        unary("pow -1.5", 0.5, 2, x -> x.pow(-1.5)),
        unary("pow 0", -2, 2, x -> x.pow(0)),
        unary("sqrt", 0.5, 2, Tensor::sqrt),
        unary("exp", -2, 2, Tensor::exp),
        unary("log", 0.5, 3, Tensor::log),
        unary("relu of positives", 0.1, 2, Tensor::relu),
        unary("relu of negatives", -2, -0.1, Tensor::relu),
        unary("tanh", -2, 2, Tensor::tanh),
        unary("sigmoid", -4, 4, Tensor::sigmoid),
        unary("abs of positives", 0.1, 2, Tensor::abs),
        unary("abs of negatives", -2, -0.1, Tensor::abs),
        unary("maximum with a number", 0.1, 2, x -> x.maximum(0.05)),
        unary("sum", -2, 2, Tensor::sum),
        unary("mean", -2, 2, Tensor::mean),
        unary("var", -2, 2, Tensor::var),
        unary("sum of the last axis", -2, 2, x -> x.sum(-1)),
        unary("mean of the first axis", -2, 2, x -> x.mean(true, 0)),
        unary("var of the first axis", -2, 2, x -> x.var(0)),
        unary("transpose", -2, 2, x -> x.transpose()),
        unary("reshape", -2, 2, x -> x.reshape(-1)),
        unary("logSoftmax", -2, 2, Functions::logSoftmax),
        unary("one used three times", -2, 2, x -> x.multiply(x).add(x)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unaryOperations")
  void gradientOfUnaryOperation(String name, double low, double high, UnaryOperator<Tensor> op) {
    SplittableRandom random = new SplittableRandom(name.hashCode());
    for (int round = 0; round < ROUNDS; round++) {
      int[] shape = random.ints(1 + round % 3, 1, 5).toArray();
      CentralDifferences.check(
          random,
          inputs -> op.apply(inputs.get(0)),
          List.of(CentralDifferences.random(random, low, high, shape)));
    }
  }

  private static Arguments binary(String name, BinaryOperator<Tensor> op) {
    return Arguments.of(name, op);
  }

  static Stream<Arguments> binaryOperations() {
    return Stream.of(
        binary("add", Tensor::add),
        binary("subtract", Tensor::subtract),
        binary("multiply", Tensor::multiply),
        binary("divide", Tensor::divide),
        binary("pow", Tensor::pow),
        binary("maximum", (x, y) -> x.maximum(y.multiply(y).subtract(3))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("binaryOperations")
  void gradientOfBinaryOperationThatBroadcasts(String name, BinaryOperator<Tensor> op) {
    SplittableRandom random = new SplittableRandom(name.hashCode());
    for (int round = 0; round < 12; round++) {
      int[] whole = random.ints(1 + round % 4, 1, 4).toArray();
      int[] part = Arrays.copyOfRange(whole, random.nextInt(whole.length), whole.length);
      for (int axis = 0; axis < part.length; axis++) {
        part[axis] = random.nextInt(3) == 0 ? 1 : part[axis];
      }
      boolean swap = random.nextBoolean();
      CentralDifferences.check(
          random,
          inputs -> op.apply(inputs.get(0), inputs.get(1)),
          List.of(
              CentralDifferences.random(random, 0.5, 2, swap ? part : whole),
              CentralDifferences.random(random, 0.5, 2, swap ? whole : part)));
    }
  }

  @ParameterizedTest
  @MethodSource("binaryOperations")
  void gradientOfEmptyTensorsIsEmptyOrZero(String name, BinaryOperator<Tensor> op) {
    Tensor x = CentralDifferences.random(new SplittableRandom(1), 1, 2, 0, 3);
    Tensor y = CentralDifferences.random(new SplittableRandom(2), 1, 2, 3);
    op.apply(x, y).backward();
    assertThat(x.grad().shape()).containsExactly(0, 3);
    assertThat(y.grad().toDoubleArray()).containsExactly(0, 0, 0);
  }

  static IntStream rounds() {
    return IntStream.range(0, 12);
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfSumOverRandomAxes(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int[] axes = IntStream.range(0, 4).filter(axis -> random.nextBoolean()).toArray();
    CentralDifferences.check(
        random,
        inputs -> inputs.get(0).multiply(inputs.get(0)).sum(round % 2 == 0, axes),
        List.of(CentralDifferences.random(random, -2, 2, 2, 3, 1, 4)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfTransposeToRandomOrder(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int[] order = random.ints(0, 3).distinct().limit(3).toArray();
    CentralDifferences.check(
        random,
        inputs -> inputs.get(0).transpose(order),
        List.of(CentralDifferences.random(random, -2, 2, 2, 3, 4)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfMatmul(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int m = random.nextInt(1, 5);
    int k = random.nextInt(1, 5);
    int n = random.nextInt(1, 5);
    for (boolean transA : new boolean[] {false, true}) {
      for (boolean transB : new boolean[] {false, true}) {
        CentralDifferences.check(
            random,
            inputs -> MatMul.of(inputs.get(0), transA, inputs.get(1), transB),
            List.of(matrix(random, m, k, transA), matrix(random, k, n, transB)));
      }
    }
  }

  private static Tensor matrix(RandomGenerator random, int rows, int columns, boolean transposed) {
    return CentralDifferences.random(
        random, -2, 2, transposed ? columns : rows, transposed ? rows : columns);
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfConvAndOfItsGradients(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int stride = random.nextInt(1, 4);
    int padding = random.nextInt(0, 3);
    int[] xShape = {random.nextInt(1, 4), random.nextInt(1, 3), 5, random.nextInt(3, 6)};
    int[] filterShape = {random.nextInt(1, 3), xShape[1], random.nextInt(1, 4), 3};
    Tensor x = CentralDifferences.random(random, -2, 2, xShape);
    Tensor filters = CentralDifferences.random(random, -2, 2, filterShape);
    CentralDifferences.check(
        random,
        inputs -> Functions.conv(inputs.get(0), inputs.get(1), stride, padding),
        List.of(x, filters));
    int[] one = {1, 1};
    Convolution shape =
        Convolution.of(
            xShape, filterShape, new int[] {stride, stride}, new int[] {padding, padding}, one, 1);
    Tensor grad = CentralDifferences.random(random, -2, 2, shape.outShape());
    CentralDifferences.check(
        random,
        inputs -> ConvInputGradient.of(inputs.get(0), inputs.get(1), shape),
        List.of(grad, filters));
    CentralDifferences.check(
        random,
        inputs -> ConvFilterGradient.of(inputs.get(0), inputs.get(1), shape),
        List.of(x, grad));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfMaxPool(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int window = random.nextInt(1, 4);
    int stride = random.nextInt(1, 4);
    int[] shape = {2, random.nextInt(1, 3), 5, random.nextInt(3, 6)};
    // Elements far enough apart that a difference never changes which is the largest.
    double[] values =
        IntStream.range(0, Arrays.stream(shape).reduce(1, (a, b) -> a * b))
            .mapToDouble(i -> (i * 7919 % 1009) * 0.1)
            .toArray();
    CentralDifferences.check(
        random,
        inputs -> Functions.maxPool(inputs.get(0), window, stride),
        List.of(Tensor.of(values, shape)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfSoftmaxCrossentropy(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int n = random.nextInt(1, 5);
    int[] labels = random.ints(n, 0, 3).toArray();
    CentralDifferences.check(
        random,
        inputs -> Functions.softmaxCrossentropy(inputs.get(0), labels),
        List.of(CentralDifferences.random(random, -3, 3, n, 3)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfBatchnorm(int round) {
    SplittableRandom random = new SplittableRandom(round);
    Layout layout = round % 2 == 0 ? Layout.NCHW : Layout.NHWC;
    int[] shape = random.ints(2 + round % 3, 2, 5).toArray();
    int c = shape[layout == Layout.NCHW ? 1 : shape.length - 1];
    CentralDifferences.check(
        random,
        inputs ->
            Functions.batchnorm(
                inputs.get(0), inputs.get(1), inputs.get(2), new BatchNormOptions(layout, 1e-2, 1)),
        List.of(
            CentralDifferences.random(random, -2, 2, shape),
            CentralDifferences.random(random, 0.5, 2, c),
            CentralDifferences.random(random, -1, 1, c)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfGatherAndScatter(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int[] indices = random.ints(6, 0, 12).toArray();
    CentralDifferences.check(
        random,
        inputs -> new Gather(inputs.get(0), indices, 2, 3).apply(),
        List.of(CentralDifferences.random(random, -2, 2, 3, 4)));
    CentralDifferences.check(
        random,
        inputs -> new Scatter(inputs.get(0), indices, 3, 4).apply(),
        List.of(CentralDifferences.random(random, -2, 2, 2, 3)));
  }
}
