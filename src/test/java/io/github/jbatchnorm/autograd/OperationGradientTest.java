package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
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

  /** An operation of one tensor, whose elements are drawn from a range. */
  record Unary(String name, double low, double high, UnaryOperator<Tensor> operation) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Unary unary(String name, double low, double high, UnaryOperator<Tensor> op) {
    return new Unary(name, low, high, op);
  }

  static Stream<Unary> unaryOperations() {
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
        unary("sin", -3, 3, Tensor::sin),
        unary("cos", -3, 3, Tensor::cos),
        unary("expm1", -2, 2, Tensor::expm1),
        unary("log1p", -0.5, 3, Tensor::log1p),
        unary("square", -2, 2, Tensor::square),
        unary("minimum with a number", 0.1, 2, x -> x.minimum(2.5)),
        unary("clip within", -1, 1, x -> x.clip(-1.5, 1.5)),
        unary("clip above", 2, 3, x -> x.clip(-1.5, 1.5)),
        unary("leakyRelu of positives", 0.1, 2, x -> x.leakyRelu(0.3)),
        unary("leakyRelu of negatives", -2, -0.1, x -> x.leakyRelu(0.3)),
        unary("elu of positives", 0.1, 2, x -> Functions.elu(x, 1.5)),
        unary("elu of negatives", -2, -0.1, x -> Functions.elu(x, 1.5)),
        unary("selu", -2, -0.1, Functions::selu),
        unary("softSign of positives", 0.1, 2, Functions::softSign),
        unary("softSign of negatives", -2, -0.1, Functions::softSign),
        unary("softmax of the first axis", -2, 2, x -> Functions.softmax(x, 0)),
        unary("glu", -2, 2, x -> Functions.glu(Tensors.concatenate(0, x, x.sin()), 0)),
        unary("std", -2, 2, x -> Tensors.concatenate(-1, x, x.sin(), x.exp()).std(-1)),
        unary("max", -2, 2, Tensor::max),
        unary("min of the last axis", -2, 2, x -> x.min(-1)),
        unary("max of the first axis", -2, 2, x -> x.max(true, 0)),
        unary("prod", -2, 2, Tensor::prod),
        unary("prod of the last axis", -2, 2, x -> x.prod(-1)),
        unary("cumsum of the last axis", -2, 2, x -> x.cumsum(-1)),
        unary("cumsum of the first axis", -2, 2, x -> x.cumsum(0)),
        unary("slice", -2, 2, x -> x.slice(Index.range(-1, -9, -1))),
        unary("slice with an ellipsis", -2, 2, x -> x.slice(Index.ellipsis(), Index.step(2))),
        unary("slice of one", -2, 2, x -> x.slice(Index.at(-1))),
        unary("take", -2, 2, x -> x.take(-1, 0, -1, 0)),
        unary("stack", -2, 2, x -> Tensors.stack(1, x, x.square())),
        unary("concatenate", -2, 2, x -> Tensors.concatenate(-1, x.square(), x)),
        unary("squeeze and expandDims", -2, 2, x -> x.expandDims(0, -1).squeeze(0)),
        unary("swapAxes", -2, 2, x -> x.swapAxes(0, -1)),
        unary("moveAxis", -2, 2, x -> x.moveAxis(0, -1)),
        unary("where", -2, 2, x -> Tensors.where(x.greater(0.5), x.square(), x.exp())),
        unary("astype there and back", -2, 2, x -> x.multiply(2).astype(DType.F64)),
        unary("one used three times", -2, 2, x -> x.multiply(x).add(x)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unaryOperations")
  void gradientOfUnaryOperation(Unary op) {
    SplittableRandom random = new SplittableRandom(op.name.hashCode());
    for (int round = 0; round < ROUNDS; round++) {
      int[] shape = random.ints(1 + round % 3, 1, 5).toArray();
      CentralDifferences.check(
          random,
          inputs -> op.operation.apply(inputs.get(0)),
          List.of(CentralDifferences.random(random, op.low, op.high, shape)));
    }
  }

  /** The gradients are written in operations, so that they have gradients: checked likewise. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("unaryOperations")
  void gradientOfGradientOfUnaryOperation(Unary op) {
    SplittableRandom random = new SplittableRandom(op.name.hashCode());
    for (int round = 0; round < ROUNDS; round++) {
      int[] shape = random.ints(1 + round % 3, 1, 4).toArray();
      CentralDifferences.check(
          random,
          inputs -> gradientOfCurvedSum(op.operation, inputs.get(0)),
          List.of(CentralDifferences.random(random, op.low, op.high, shape)));
    }
  }

  /** Returns the gradient of sum(sin(op(x))): so that operations that are linear count too. */
  private static Tensor gradientOfCurvedSum(UnaryOperator<Tensor> op, Tensor x) {
    return NoAutodiff.callRecording(() -> Gradients.of(op.apply(x).multiply(0.7).sin(), x).get(0));
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
        binary("minimum", (x, y) -> x.minimum(y.multiply(y).subtract(3))),
        binary("where", (x, y) -> Tensors.where(x.greater(y), x.multiply(y), y.square())),
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
        inputs -> new Indexing.Gather(inputs.get(0), indices, 2, 3).apply(),
        List.of(CentralDifferences.random(random, -2, 2, 3, 4)));
    CentralDifferences.check(
        random,
        inputs -> new Indexing.Scatter(inputs.get(0), indices, 3, 4).apply(),
        List.of(CentralDifferences.random(random, -2, 2, 2, 3)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfBatchedMatmul(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int[][] shapes =
        new int[][][] {
              {{3}, {3}},
              {{2, 3}, {3}},
              {{3}, {3, 2}},
              {{4, 2, 3}, {3, 2}},
              {{4, 2, 3}, {4, 3, 2}},
              {{2, 1, 2, 3}, {3, 3, 2}}
            }
            [round % 6];
    CentralDifferences.check(
        random,
        inputs -> inputs.get(0).matmul(inputs.get(1)),
        List.of(
            CentralDifferences.random(random, -2, 2, shapes[0]),
            CentralDifferences.random(random, -2, 2, shapes[1])));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfConvolutionOfAnyDimensions(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int dimensions = 1 + round % 3;
    int groups = random.nextInt(1, 3);
    int[] x = new int[dimensions + 2];
    int[] filters = new int[dimensions + 2];
    Arrays.fill(x, 4);
    Arrays.fill(filters, 2);
    x[0] = random.nextInt(1, 3);
    x[1] = groups * random.nextInt(1, 3);
    filters[0] = groups * random.nextInt(1, 3);
    filters[1] = x[1] / groups;
    ConvOptions options =
        ConvOptions.DEFAULT
            .withStride(random.nextInt(1, 3))
            .withPadding(random.nextInt(0, 2))
            .withDilation(random.nextInt(1, 3))
            .withGroups(groups);
    List<Tensor> inputs =
        List.of(
            CentralDifferences.random(random, -2, 2, x),
            CentralDifferences.random(random, -2, 2, filters),
            CentralDifferences.random(random, -2, 2, filters[0]));
    CentralDifferences.check(
        random, in -> Functions.conv(in.get(0), in.get(1), in.get(2), options), inputs);
    CentralDifferences.check(
        random,
        in ->
            NoAutodiff.callRecording(
                () -> {
                  Tensor y = Functions.conv(in.get(0), in.get(1), in.get(2), options);
                  List<Tensor> found = Gradients.of(y.sin(), in.get(0), in.get(1), in.get(2));
                  return Tensors.concatenate(
                      0, found.stream().map(Tensor::flatten).toArray(Tensor[]::new));
                }),
        inputs);
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void convReluIsConvAndRelu(int round) {
    SplittableRandom random = new SplittableRandom(round);
    Tensor x = CentralDifferences.random(random, -2, 2, 3, 2, 5, 4);
    Tensor filters = CentralDifferences.random(random, -2, 2, 4, 2, 3, 3);
    Tensor bias = CentralDifferences.random(random, -2, 2, 4);
    ConvOptions options = ConvOptions.DEFAULT.withPadding(1);
    Tensor separate = Functions.conv(x, filters, bias, options).relu();
    Tensor seed = CentralDifferences.random(random, -1, 1, separate.shape());
    separate.backward(seed);
    List<Tensor> expected = List.of(x.grad(), filters.grad(), bias.grad());
    Tensor fused = Functions.convRelu(x, filters, bias, options);
    fused.backward(seed);
    assertThat(fused.toDoubleArray()).isEqualTo(separate.toDoubleArray());
    assertThat(x.grad().toDoubleArray()).isEqualTo(expected.get(0).toDoubleArray());
    assertThat(filters.grad().toDoubleArray()).isEqualTo(expected.get(1).toDoubleArray());
    assertThat(bias.grad().toDoubleArray()).isEqualTo(expected.get(2).toDoubleArray());
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfAveragePooling(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int[] window = {random.nextInt(1, 4), random.nextInt(1, 4)};
    int[] stride = {random.nextInt(1, 3), random.nextInt(1, 3)};
    CentralDifferences.check(
        random,
        inputs -> Functions.avgPool(inputs.get(0), window, stride),
        List.of(CentralDifferences.random(random, -2, 2, 2, 3, 5, 4)));
    CentralDifferences.check(
        random,
        inputs -> Functions.globalAvgPool(inputs.get(0)),
        List.of(CentralDifferences.random(random, -2, 2, 2, 3, 5, 4)));
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfEinsum(int round) {
    SplittableRandom random = new SplittableRandom(round);
    String[] subscripts = {"ij,jk->ik", "ij,ij->", "bij,bjk->bki", "ij->ji", "i,j->ij", "...i,i"};
    int[][][] shapes = {
      {{2, 3}, {3, 4}},
      {{2, 3}, {2, 3}},
      {{2, 2, 3}, {2, 3, 2}},
      {{2, 3}},
      {{2}, {3}},
      {{2, 3}, {3}}
    };
    List<Tensor> inputs =
        Arrays.stream(shapes[round % shapes.length])
            .map(shape -> CentralDifferences.random(random, -2, 2, shape))
            .toList();
    CentralDifferences.check(
        random,
        in -> Tensors.einsum(subscripts[round % shapes.length], in.toArray(Tensor[]::new)),
        inputs);
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfLosses(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int n = random.nextInt(1, 5);
    int[] labels = random.ints(n, 0, 3).toArray();
    Tensor scores = CentralDifferences.random(random, -3, 3, n, 3);
    List<UnaryOperator<Tensor>> losses =
        List.of(
            x -> Losses.softmaxFocal(x, 0.7, 1.5, labels),
            x -> Losses.focal(Functions.softmax(x, 1), 0.7, 2, labels),
            x -> Losses.negativeLogLikelihood(x, new double[] {1, 2, 3}, labels),
            x -> Losses.multiclassHinge(x, 1, labels),
            x -> Losses.marginRanking(x, x.square(), Tensor.scalar(-1), 0.5));
    for (UnaryOperator<Tensor> loss : losses) {
      CentralDifferences.check(random, inputs -> loss.apply(inputs.get(0)), List.of(scores));
    }
  }
}
