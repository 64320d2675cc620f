package io.github.jbatchnorm.autograd;

import static io.github.jbatchnorm.autograd.ComplexStepCase.caseOf;
import static io.github.jbatchnorm.autograd.ComplexStepCase.shape;

import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Cases of operations on elements, and of those that move them. */
final class ElementwiseSteps {
  private static final Complex ONE = Complex.of(1);
  private static final double LN2 = StrictMath.log(2);

  private ElementwiseSteps() {}

  private static ComplexStepCase unary(
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
  private static ComplexStepCase binary(
      String name, BinaryOperator<Tensor> op, BinaryOperator<Complex> f) {
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
  private static ComplexStepCase moves(String name, UnaryOperator<Tensor> op, int... from) {
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

  static Stream<ComplexStepCase> elementwise() {
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
        unary("sigmoid", -4, 4, Tensor::sigmoid, ElementwiseSteps::sigmoid),
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

  /** Cases of the functions that lead back from others, by their derivatives. */
  static Stream<ComplexStepCase> inverses() {
    return Stream.of(
        unary(
            "arcsin",
            -0.9,
            0.9,
            Tensor::arcsin,
            z -> z.first(StrictMath::asin, x -> 1 / Math.sqrt(1 - x * x))),
        unary(
            "arccos",
            -0.9,
            0.9,
            Tensor::arccos,
            z -> z.first(StrictMath::acos, x -> -1 / Math.sqrt(1 - x * x))),
        unary(
            "arctan", -3, 3, Tensor::arctan, z -> z.first(StrictMath::atan, x -> 1 / (1 + x * x))),
        unary(
            "arccot",
            -3,
            3,
            Tensor::arccot,
            z -> z.first(x -> StrictMath.atan(1 / x), x -> -1 / (1 + x * x))),
        unary("arcsinh", -3, 3, Tensor::arcsinh, z -> z.times(z).plus(1).sqrt().plus(z).log()),
        unary("arccosh", 1.2, 4, Tensor::arccosh, z -> z.times(z).plus(-1).sqrt().plus(z).log()),
        unary(
            "arctanh",
            -0.9,
            0.9,
            Tensor::arctanh,
            z -> z.plus(1).over(z.times(-1).plus(1)).log().times(0.5)),
        unary(
            "arcsec",
            1.2,
            4,
            Tensor::arcsec,
            z -> z.first(x -> StrictMath.acos(1 / x), x -> 1 / (x * Math.sqrt(x * x - 1)))),
        unary(
            "arccsc",
            1.2,
            4,
            Tensor::arccsc,
            z -> z.first(x -> StrictMath.asin(1 / x), x -> -1 / (x * Math.sqrt(x * x - 1)))),
        unary("arccoth", 1.2, 4, Tensor::arccoth, z -> z.plus(1).over(z.plus(-1)).log().times(0.5)),
        unary(
            "arccsch",
            0.3,
            3,
            Tensor::arccsch,
            z -> ONE.over(z.times(z)).plus(1).sqrt().plus(ONE.over(z)).log()),
        unary("exp2", -3, 3, Tensor::exp2, z -> z.times(LN2).exp()),
        unary("log2", 0.3, 3, Tensor::log2, z -> z.log().over(LN2)),
        unary("log10", 0.3, 3, Tensor::log10, z -> z.log().over(StrictMath.log(10))),
        unary("cbrt", -3, -0.3, Tensor::cbrt, z -> z.times(-1).pow(ONE.over(3)).times(-1)),
        unary("cot", 0.3, 1.2, Tensor::cot, z -> z.cos().over(z.sin())),
        unary("sec", -1.2, 1.2, Tensor::sec, z -> ONE.over(z.cos())),
        unary("csc", 0.3, 1.2, Tensor::csc, z -> ONE.over(z.sin())),
        unary("coth", 0.3, 2, Tensor::coth, z -> ONE.over(z.tanh())),
        unary(
            "sech", -2, 2, Tensor::sech, z -> Complex.of(2).over(z.exp().plus(z.times(-1).exp()))),
        unary(
            "csch",
            0.3,
            2,
            Tensor::csch,
            z -> Complex.of(2).over(z.exp().minus(z.times(-1).exp()))),
        unary("sinc", 0.2, 3, Tensor::sinc, z -> z.times(Math.PI).sin().over(z.times(Math.PI))));
  }

  static Stream<ComplexStepCase> ofTwo() {
    return Stream.of(
        binary("add", Tensor::add, Complex::plus),
        binary("subtract", Tensor::subtract, Complex::minus),
        binary("multiply", Tensor::multiply, Complex::times),
        binary("divide by", Tensor::divide, Complex::over),
        binary("pow of", Tensor::pow, Complex::pow),
        binary("logaddexp", Tensor::logaddexp, (a, b) -> a.exp().plus(b.exp()).log()),
        binary(
            "arctan2",
            Tensor::arctan2,
            (y, x) ->
                new Complex(
                    StrictMath.atan2(y.re(), x.re()),
                    (y.im() * x.re() - x.im() * y.re()) / (x.re() * x.re() + y.re() * y.re()))),
        binary(
            "logaddexp2",
            Tensor::logaddexp2,
            (a, b) -> a.times(LN2).exp().plus(b.times(LN2).exp()).log().over(LN2)),
        binary(
            "clip by a tensor", (x, low) -> x.clip(low, null), (a, b) -> a.re() < b.re() ? b : a),
        binary("maximum of", Tensor::maximum, (a, b) -> a.re() > b.re() ? a : b),
        binary("minimum of", Tensor::minimum, (a, b) -> a.re() < b.re() ? a : b),
        binary(
            "where",
            (x, y) -> Tensors.where(x.greater(y), x.multiply(y), y.square()),
            (a, b) -> a.re() > b.re() ? a.times(b) : b.times(b)));
  }

  static Stream<ComplexStepCase> rearrangements() {
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
}
