package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.batchnorm.ChannelMoments;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.net.URL;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gradients in f64 against the complex step, Im f(x + ih) / h, which has no cancellation, so that
 * its error is that of f's own arithmetic (Squire and Trapp, 1998); of linear operations on whole
 * numbers it is exact, and compared bit by bit.
 */
class ComplexStepTest {
  /** A power of two: dividing by it changes nothing. */
  private static final double STEP = 0x1p-300;

  private static final double TOLERANCE = 1e-14;

  /** What an operation computes, in complex numbers, row-major. */
  @FunctionalInterface
  interface Formula {
    Complex[] apply(List<Complex[]> inputs);
  }

  /** An operation with the shapes of its inputs, whose elements are drawn from a range. */
  record Case(
      String name,
      Function<List<Tensor>, Tensor> operation,
      Formula formula,
      double low,
      double high,
      boolean exact,
      List<int[]> shapes) {
    @Override
    public String toString() {
      return name;
    }

    List<Tensor> inputs() {
      SplittableRandom random = new SplittableRandom(name.hashCode());
      List<Tensor> inputs = new ArrayList<>();
      for (int[] shape : shapes) {
        int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        double[] values = new double[size];
        for (int i = 0; i < size; i++) {
          values[i] = exact ? random.nextInt(-9, 10) : random.nextDouble(low, high);
        }
        inputs.add(Tensor.of(values, shape));
      }
      return inputs;
    }
  }

  private static Case caseOf(
      String name,
      Function<List<Tensor>, Tensor> operation,
      Formula formula,
      double low,
      double high,
      boolean exact,
      int[]... shapes) {
    return new Case(name, operation, formula, low, high, exact, List.of(shapes));
  }

  private static int[] shape(int... sizes) {
    return sizes;
  }

  private static Case unary(
      String name, double low, double high, UnaryOperator<Tensor> op, UnaryOperator<Complex> f) {
    return caseOf(
        name,
        in -> op.apply(in.get(0)),
        in -> Arrays.stream(in.get(0)).map(f).toArray(Complex[]::new),
        low,
        high,
        false,
        shape(3, 4));
  }

  /** Shapes (2, 3, 4) and (3, 1). */
  private static Case binary(String name, BinaryOperator<Tensor> op, BinaryOperator<Complex> f) {
    return caseOf(
        name,
        in -> op.apply(in.get(0), in.get(1)),
        in ->
            IntStream.range(0, 24)
                .mapToObj(i -> f.apply(in.get(0)[i], in.get(1)[i / 4 % 3]))
                .toArray(Complex[]::new),
        0.5,
        2,
        false,
        shape(2, 3, 4),
        shape(3, 1));
  }

  /** A case in which elements only move, of shape (2, 3, 4): which element goes where. */
  private static Case moves(String name, UnaryOperator<Tensor> op, int... from) {
    return caseOf(
        name,
        in -> op.apply(in.get(0)),
        in -> Arrays.stream(from).mapToObj(i -> in.get(0)[i]).toArray(Complex[]::new),
        0,
        0,
        true,
        shape(2, 3, 4));
  }

  private static Complex sigmoid(Complex z) {
    return Complex.of(1).over(z.times(-1).exp().plus(1));
  }

  private static Complex sum(Complex... values) {
    return Arrays.stream(values).reduce(Complex.of(0), Complex::plus);
  }

  private static Complex[] row(Complex[] matrix, int row, int columns) {
    return Arrays.copyOfRange(matrix, row * columns, (row + 1) * columns);
  }

  private static Complex logSumExp(Complex... row) {
    return sum(Arrays.stream(row).map(Complex::exp).toArray(Complex[]::new)).log();
  }

  private static Complex variance(Complex... values) {
    Complex mean = sum(values).over(values.length);
    return sum(Arrays.stream(values)
            .map(value -> value.minus(mean).times(value.minus(mean)))
            .toArray(Complex[]::new))
        .over(values.length);
  }

  static Stream<Case> elementwise() {
    return Stream.of(
        unary("negate", -2, 2, Tensor::negate, z -> z.times(-1)),
        unary("exp", -2, 2, Tensor::exp, Complex::exp),
        unary("expm1", -2, 2, Tensor::expm1, z -> z.exp().plus(-1)),
        unary("log", 0.3, 3, Tensor::log, Complex::log),
        unary("log1p", -0.5, 3, Tensor::log1p, z -> z.plus(1).log()),
        unary("sqrt", 0.3, 3, Tensor::sqrt, Complex::sqrt),
        unary("square", -2, 2, Tensor::square, z -> z.times(z)),
        unary("sin", -3, 3, Tensor::sin, Complex::sin),
        unary("cos", -3, 3, Tensor::cos, Complex::cos),
        unary("tan", -1.2, 1.2, Tensor::tan, z -> z.sin().over(z.cos())),
        unary("sinh", -30, 3, Tensor::sinh, z -> z.exp().minus(z.times(-1).exp()).times(0.5)),
        unary("cosh", -30, 3, Tensor::cosh, z -> z.exp().plus(z.times(-1).exp()).times(0.5)),
        unary("reciprocal", 0.3, 3, Tensor::reciprocal, z -> Complex.of(1).over(z)),
        unary("tanh", -2, 2, Tensor::tanh, Complex::tanh),
        unary("sigmoid", -4, 4, Tensor::sigmoid, ComplexStepTest::sigmoid),
        unary("abs", -2, 2, Tensor::abs, z -> z.re() < 0 ? z.times(-1) : z),
        unary("relu", -2, 2, Tensor::relu, z -> z.re() > 0 ? z : Complex.of(0)),
        unary("leakyRelu", -2, 2, x -> x.leakyRelu(0.3), z -> z.re() > 0 ? z : z.times(0.3)),
        unary(
            "elu",
            -2,
            2,
            x -> Functions.elu(x, 1.5),
            z -> z.re() > 0 ? z : z.exp().plus(-1).times(1.5)),
        unary(
            "softSign",
            -2,
            2,
            Functions::softSign,
            z -> z.over((z.re() < 0 ? z.times(-1) : z).plus(1))),
        unary(
            "clip",
            -2,
            2,
            x -> x.clip(-1, 1.5),
            z -> z.re() < -1 ? Complex.of(-1) : z.re() > 1.5 ? Complex.of(1.5) : z),
        unary("pow", 0.3, 3, x -> x.pow(-1.7), z -> z.pow(Complex.of(-1.7))),
        unary("divide", 0.3, 3, x -> x.divide(7), z -> z.over(7)),
        unary("maximum", -2, 2, x -> x.maximum(0.1), z -> z.re() > 0.1 ? z : Complex.of(0.1)),
        unary("minimum", -2, 2, x -> x.minimum(0.1), z -> z.re() < 0.1 ? z : Complex.of(0.1)));
  }

  static Stream<Case> ofTwo() {
    return Stream.of(
        binary("add", Tensor::add, Complex::plus),
        binary("subtract", Tensor::subtract, Complex::minus),
        binary("multiply", Tensor::multiply, Complex::times),
        binary("divide by", Tensor::divide, Complex::over),
        binary("pow of", Tensor::pow, Complex::pow),
        binary("logaddexp", Tensor::logaddexp, (a, b) -> a.exp().plus(b.exp()).log()),
        binary("maximum of", Tensor::maximum, (a, b) -> a.re() > b.re() ? a : b),
        binary("minimum of", Tensor::minimum, (a, b) -> a.re() < b.re() ? a : b),
        binary(
            "where",
            (x, y) -> Tensors.where(x.greater(y), x.multiply(y), y.square()),
            (a, b) -> a.re() > b.re() ? a.times(b) : b.times(b)));
  }

  static Stream<Case> rearrangements() {
    int[] all = IntStream.range(0, 24).toArray();
    return Stream.of(
        moves("reshape", x -> x.reshape(4, 6), all),
        moves(
            "transpose",
            x -> x.transpose(),
            IntStream.range(0, 24).map(i -> i % 2 * 12 + i / 2 % 3 * 4 + i / 6).toArray()),
        moves(
            "broadcastTo",
            x -> x.broadcastTo(2, 2, 3, 4),
            IntStream.range(0, 48).map(i -> i % 24).toArray()),
        moves(
            "slice",
            x -> x.slice(Index.at(1), Index.step(-2), Index.range(1, 3)),
            12 + 9,
            12 + 10,
            12 + 1,
            12 + 2),
        moves(
            "take",
            x -> x.take(2, 3, 0, 3),
            IntStream.range(0, 18).map(i -> i / 3 * 4 + (i % 3 == 1 ? 0 : 3)).toArray()),
        moves(
            "concatenate",
            x -> Tensors.concatenate(0, x, x),
            IntStream.range(0, 48).map(i -> i % 24).toArray()));
  }

  static Stream<Case> sums() {
    return Stream.of(
        caseOf(
            "sum",
            in -> in.get(0).sum(0, 2),
            in ->
                IntStream.range(0, 3)
                    .mapToObj(i -> sum(row(in.get(0), i, 4)).plus(sum(row(in.get(0), 3 + i, 4))))
                    .toArray(Complex[]::new),
            0,
            0,
            true,
            shape(2, 3, 4)),
        caseOf(
            "cumsum",
            in -> in.get(0).cumsum(-1),
            in ->
                IntStream.range(0, 12)
                    .mapToObj(i -> sum(Arrays.copyOfRange(in.get(0), i / 4 * 4, i + 1)))
                    .toArray(Complex[]::new),
            0,
            0,
            true,
            shape(3, 4)),
        caseOf(
            "prod",
            in -> in.get(0).prod(),
            in ->
                new Complex[] {
                  Arrays.stream(in.get(0)).reduce(Complex.of(1), (a, b) -> a.times(b))
                },
            0.5,
            2,
            false,
            shape(7)),
        caseOf(
            "var",
            in -> in.get(0).var(1),
            in -> new Complex[] {variance(row(in.get(0), 0, 5)), variance(row(in.get(0), 1, 5))},
            -2,
            2,
            false,
            shape(2, 5)),
        caseOf(
            "logSoftmax",
            in -> Functions.logSoftmax(in.get(0)),
            in ->
                IntStream.range(0, 10)
                    .mapToObj(i -> in.get(0)[i].minus(logSumExp(row(in.get(0), i / 5, 5))))
                    .toArray(Complex[]::new),
            -3,
            3,
            false,
            shape(2, 5)),
        caseOf(
            "softmaxCrossentropy",
            in -> Losses.softmaxCrossentropy(in.get(0), 3, 1),
            in ->
                new Complex[] {
                  logSumExp(row(in.get(0), 0, 5))
                      .minus(in.get(0)[3])
                      .plus(logSumExp(row(in.get(0), 1, 5)).minus(in.get(0)[6]))
                      .over(2)
                },
            -3,
            3,
            false,
            shape(2, 5)));
  }

  /** y[n][o][p] of x of shape (2, 2, 6) and filters of shape (3, 2, 3), padding 1, stride 2. */
  private static Complex[] convolution(List<Complex[]> in) {
    Complex[] y = new Complex[2 * 3 * 3];
    for (int i = 0; i < y.length; i++) {
      y[i] = Complex.of(0);
      for (int c = 0; c < 2; c++) {
        for (int k = 0; k < 3; k++) {
          int at = i % 3 * 2 + k - 1;
          if (at >= 0 && at < 6) {
            Complex x = in.get(0)[(i / 9 * 2 + c) * 6 + at];
            y[i] = y[i].plus(x.times(in.get(1)[(i / 3 % 3 * 2 + c) * 3 + k]));
          }
        }
      }
    }
    return y;
  }

  private static Complex[] product(List<Complex[]> in) {
    Complex[] y = new Complex[2 * 3 * 2];
    for (int i = 0; i < y.length; i++) {
      y[i] = Complex.of(0);
      for (int k = 0; k < 4; k++) {
        y[i] = y[i].plus(in.get(0)[i / 2 * 4 + k].times(in.get(1)[k * 2 + i % 2]));
      }
    }
    return y;
  }

  /** Of x of shape (4, 2, 3), gamma and beta. */
  private static Complex[] batchnorm(List<Complex[]> in) {
    Complex[] y = new Complex[24];
    for (int c = 0; c < 2; c++) {
      int channel = c;
      Complex[] own =
          IntStream.range(0, 12)
              .mapToObj(i -> in.get(0)[(i / 3 * 2 + channel) * 3 + i % 3])
              .toArray(Complex[]::new);
      Complex mean = sum(own).over(12);
      Complex std = variance(own).plus(1e-2).sqrt();
      for (int i = 0; i < 12; i++) {
        Complex xHat = own[i].minus(mean).over(std);
        y[(i / 3 * 2 + c) * 3 + i % 3] = xHat.times(in.get(1)[c]).plus(in.get(2)[c]);
      }
    }
    return y;
  }

  static Stream<Case> layers() {
    return Stream.of(
        caseOf(
            "conv",
            in ->
                Functions.conv(
                    in.get(0), in.get(1), null, ConvOptions.DEFAULT.withPadding(1).withStride(2)),
            ComplexStepTest::convolution,
            0,
            0,
            true,
            shape(2, 2, 6),
            shape(3, 2, 3)),
        caseOf(
            "matmul",
            in -> in.get(0).matmul(in.get(1)),
            ComplexStepTest::product,
            0,
            0,
            true,
            shape(2, 3, 4),
            shape(4, 2)),
        caseOf(
            "batchnorm",
            in -> Functions.batchnorm(in.get(0), in.get(1), in.get(2), 1e-2),
            ComplexStepTest::batchnorm,
            0.5,
            2,
            false,
            shape(4, 2, 3),
            shape(2),
            shape(2)),
        caseOf(
            "maxPool",
            in -> Functions.maxPool(in.get(0), new int[] {2}, new int[] {2}),
            in ->
                IntStream.range(0, 4)
                    .mapToObj(
                        i ->
                            in.get(0)[2 * i].re() >= in.get(0)[2 * i + 1].re()
                                ? in.get(0)[2 * i]
                                : in.get(0)[2 * i + 1])
                    .toArray(Complex[]::new),
            -2,
            2,
            true,
            shape(2, 4)));
  }

  static Stream<Case> cases() {
    return Stream.of(elementwise(), ofTwo(), rearrangements(), sums(), layers())
        .flatMap(cases -> cases);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientIsThatOfTheComplexStep(Case c) {
    List<Tensor> inputs = c.inputs();
    Tensor y = c.operation.apply(inputs);
    SplittableRandom random = new SplittableRandom(7);
    double[] seed = IntStream.range(0, y.size()).mapToDouble(i -> random.nextInt(-4, 5)).toArray();
    assertThat(c.formula.apply(complex(inputs, -1, 0)).length).isEqualTo(y.size());
    y.backward(Tensor.of(seed).reshape(y.shape()).asConstant());
    for (int i = 0; i < inputs.size(); i++) {
      double[] found = inputs.get(i).grad().toDoubleArray();
      for (int at = 0; at < found.length; at++) {
        Complex[] stepped = c.formula.apply(complex(inputs, i, at));
        double expected = 0;
        double scale = 0;
        for (int j = 0; j < seed.length; j++) {
          double part = seed[j] * stepped[j].im() / STEP;
          expected += part;
          scale += Math.abs(part);
        }
        assertThat(found[at])
            .as("input %d, element %d", i, at)
            .isCloseTo(expected, within(c.exact ? 0 : TOLERANCE * Math.max(1, scale)));
      }
    }
  }

  /** Returns the inputs as complex numbers, one element with a step in the imaginary direction. */
  private static List<Complex[]> complex(List<Tensor> inputs, int input, int element) {
    List<Complex[]> all = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      double[] values = inputs.get(i).toDoubleArray();
      Complex[] numbers = new Complex[values.length];
      for (int at = 0; at < values.length; at++) {
        numbers[at] = new Complex(values[at], i == input && at == element ? STEP : 0);
      }
      all.add(numbers);
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("elementwise")
  void nanStaysInItsElement(Case c) {
    double[] values = c.inputs().get(0).toDoubleArray();
    Tensor clean = Tensor.of(values);
    c.operation.apply(List.of(clean)).backward();
    double[] broken = values.clone();
    broken[1] = Double.NaN;
    Tensor x = Tensor.of(broken);
    Tensor y = c.operation.apply(List.of(x));
    assertThat(y.get(1)).isNaN();
    y.backward();
    for (int i = 0; i < values.length; i++) {
      if (i != 1) {
        assertThat(x.grad().get(i)).isEqualTo(clean.grad().get(i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("elementwise")
  void emptyTensorsHaveEmptyGradients(Case c) {
    Tensor x = Tensor.of(new double[0], 3, 0, 2);
    Tensor y = c.operation.apply(List.of(x));
    assertThat(y.shape()).containsExactly(3, 0, 2);
    y.backward();
    assertThat(x.grad().shape()).containsExactly(3, 0, 2);
  }

  /** Every operation of the library occurs in these graphs, or in those of its gradients. */
  @Test
  void everyOperationIsCompared() {
    Set<String> seen = new TreeSet<>();
    Stream.concat(cases(), others())
        .forEach(
            c -> {
              List<Tensor> inputs = c.inputs();
              Tensor y = c.operation.apply(inputs);
              collect(y, seen);
              List<Tensor> variables = inputs.stream().filter(x -> !x.isConstant()).toList();
              Gradients.of(y, Tensor.of(new double[] {1.5}).asConstant().squeeze(), variables)
                  .forEach(gradient -> collect(gradient, seen));
            });
    seen.add(Checkpoint.class.getSimpleName()); // TapeTest
    Set<String> all = new TreeSet<>();
    URL library = Operation.class.getProtectionDomain().getCodeSource().getLocation();
    for (JavaClass type : new ClassFileImporter().importUrl(library)) {
      if (type.isAssignableTo(Operation.class)
          && !type.getModifiers().contains(JavaModifier.ABSTRACT)) {
        all.add(type.getSimpleName());
      }
    }
    assertThat(seen).isEqualTo(all);
  }

  /** Operations whose gradients are compared with exact ones elsewhere. */
  static Stream<Case> others() {
    Formula none = in -> new Complex[0];
    int[] maps = {4, 2, 3};
    return Stream.of(
        caseOf( // BatchNormBuilderTest
            "given statistics",
            in -> BatchNormOp.on(in.get(0)).given(in.get(1), in.get(2)).apply(),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2),
            shape(2)),
        caseOf( // BatchNormBuilderTest
            "in place",
            in -> BatchNormOp.on(in.get(0).add(0)).gamma(in.get(1)).inPlace().apply(),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2)),
        caseOf( // BatchNormBuilderTest
            "moments",
            in -> ChannelMoments.of(in.get(0), Layout.NCHW).var(),
            none,
            0,
            1,
            false,
            maps),
        caseOf( // OperationGradientTest
            "astype", in -> in.get(0).astype(DType.F32), none, 0, 1, false, maps));
  }

  private static void collect(Tensor root, Set<String> seen) {
    Deque<Tensor> left = new ArrayDeque<>(List.of(root));
    Set<Tensor> visited = Collections.newSetFromMap(new IdentityHashMap<>());
    while (!left.isEmpty()) {
      Operation creator = left.pop().creator();
      if (creator != null) {
        seen.add(creator.getClass().getSimpleName());
        creator.inputs().stream().filter(visited::add).forEach(left::push);
      }
    }
  }
}
