package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Functions of one tensor, element by element, and what leaves it as it is. */
final class Unary {
  /** A function, its definition, and where that has neither bend nor pole. */
  private record Case(
      String text,
      UnaryOperator<Tensor> library,
      UnaryOperator<Complex> oracle,
      Predicate<Value> fits) {}

  private static final Complex ONE = Complex.of(1);
  private static final double LN2 = StrictMath.log(2);

  private Unary() {}

  private static Predicate<Value> within(double low, double high) {
    return x -> x.isWithin(low, high);
  }

  private static Complex elu(Complex z, double alpha) {
    return z.re() > 0 ? z : z.exp().plus(-1).times(alpha);
  }

  private static final List<Case> CASES =
      List.of(
          new Case("tanh", Tensor::tanh, Complex::tanh, x -> true),
          new Case("sigmoid", Tensor::sigmoid, Unary::sigmoid, x -> true),
          new Case("negate", Tensor::negate, z -> z.times(-1), x -> true),
          new Case("sin", Tensor::sin, Complex::sin, x -> true),
          new Case("cos", Tensor::cos, Complex::cos, x -> true),
          new Case("square", Tensor::square, z -> z.times(z), x -> true),
          new Case("exp", Tensor::exp, Complex::exp, within(-30, 3)),
          new Case("expm1", Tensor::expm1, z -> z.exp().plus(-1), within(-30, 3)),
          new Case("log", Tensor::log, Complex::log, within(0.1, 99)),
          new Case("log1p", Tensor::log1p, z -> z.plus(1).log(), within(-0.9, 99)),
          new Case("sqrt", Tensor::sqrt, Complex::sqrt, within(0.1, 99)),
          new Case("pow -1.7", x -> x.pow(-1.7), z -> z.pow(Complex.of(-1.7)), within(0.2, 99)),
          new Case("tan", Tensor::tan, z -> z.sin().over(z.cos()), within(-1.2, 1.2)),
          new Case(
              "sinh",
              Tensor::sinh,
              z -> z.exp().minus(z.times(-1).exp()).times(0.5),
              within(-3, 3)),
          new Case(
              "cosh", Tensor::cosh, z -> z.exp().plus(z.times(-1).exp()).times(0.5), within(-3, 3)),
          new Case(
              "reciprocal",
              Tensor::reciprocal,
              z -> ONE.over(z),
              x -> x.all(z -> Math.abs(z.re()) > 0.2)),
          new Case("abs", Tensor::abs, Unary::abs, x -> x.isAwayFrom(0)),
          new Case("relu", Tensor::relu, z -> z.re() > 0 ? z : Complex.of(0), x -> x.isAwayFrom(0)),
          new Case(
              "leakyRelu",
              x -> x.leakyRelu(0.3),
              z -> z.re() > 0 ? z : z.times(0.3),
              x -> x.isAwayFrom(0)),
          new Case("elu", x -> x.elu(1.5), z -> elu(z, 1.5), x -> x.isAwayFrom(0)),
          new Case(
              "selu",
              Functions::selu,
              z -> elu(z, 1.6732632423543772).times(1.0507009873554805),
              x -> x.isAwayFrom(0)),
          new Case(
              "softSign", Functions::softSign, z -> z.over(abs(z).plus(1)), x -> x.isAwayFrom(0)),
          new Case(
              "clip",
              x -> x.clip(-1, 0.5),
              z -> z.re() < -1 ? Complex.of(-1) : z.re() > 0.5 ? Complex.of(0.5) : z,
              x -> x.isAwayFrom(-1) && x.isAwayFrom(0.5)),
          new Case(
              "maximum 0.25",
              x -> x.maximum(0.25),
              z -> z.re() > 0.25 ? z : Complex.of(0.25),
              x -> x.isAwayFrom(0.25)),
          new Case(
              "minimum 0.25",
              x -> x.minimum(0.25),
              z -> z.re() < 0.25 ? z : Complex.of(0.25),
              x -> x.isAwayFrom(0.25)),
          new Case(
              "greater 0.25",
              x -> x.greater(0.25),
              z -> Complex.of(z.re() > 0.25 ? 1 : 0),
              x -> x.isAwayFrom(0.25)),
          new Case("exp2", Tensor::exp2, z -> z.times(LN2).exp(), within(-30, 4)),
          new Case("log2", Tensor::log2, z -> z.log().over(LN2), within(0.1, 99)),
          new Case("log10", Tensor::log10, z -> z.log().over(StrictMath.log(10)), within(0.1, 99)),
          new Case("cbrt", Tensor::cbrt, z -> z.pow(ONE.over(3)), within(0.1, 99)),
          new Case(
              "arctan",
              Tensor::arctan,
              z -> z.first(StrictMath::atan, x -> 1 / (1 + x * x)),
              x -> true),
          new Case(
              "arcsin",
              Tensor::arcsin,
              z -> z.first(StrictMath::asin, x -> 1 / Math.sqrt(1 - x * x)),
              within(-0.9, 0.9)),
          new Case(
              "arccos",
              Tensor::arccos,
              z -> z.first(StrictMath::acos, x -> -1 / Math.sqrt(1 - x * x)),
              within(-0.9, 0.9)),
          new Case(
              "arcsinh",
              Tensor::arcsinh,
              z -> z.first(Unary::arcsinh, x -> 1 / Math.sqrt(x * x + 1)),
              x -> true),
          new Case(
              "arctanh",
              Tensor::arctanh,
              z -> z.first(x -> 0.5 * Math.log((1 + x) / (1 - x)), x -> 1 / (1 - x * x)),
              within(-0.9, 0.9)),
          new Case(
              "sinc",
              Tensor::sinc,
              z -> z.times(Math.PI).sin().over(z.times(Math.PI)),
              x -> x.isAwayFrom(0) && x.isWithin(-3, 3)),
          new Case(
              "floor",
              Tensor::floor,
              z -> Complex.of(Math.floor(z.re())),
              x -> x.all(z -> Math.abs(z.re() - Math.rint(z.re())) > 1e-3)),
          new Case("add 0.75", x -> x.add(0.75), z -> z.plus(0.75), x -> true),
          new Case("subtract 0.75", x -> x.subtract(0.75), z -> z.plus(-0.75), x -> true),
          new Case("multiply -1.5", x -> x.multiply(-1.5), z -> z.times(-1.5), x -> true),
          new Case("divide 3", x -> x.divide(3), z -> z.over(3), x -> true),
          new Case(
              "checkpoint tanh(x) x",
              x -> Checkpoint.of(t -> t.tanh().multiply(t), x, List.of()),
              z -> z.tanh().times(z),
              x -> true));

  private static double arcsinh(double x) {
    return x < 0 ? -arcsinh(-x) : Math.log(x + Math.sqrt(x * x + 1));
  }

  static Complex abs(Complex z) {
    return z.re() < 0 ? z.times(-1) : z;
  }

  static Complex sigmoid(Complex z) {
    return ONE.over(z.times(-1).exp().plus(1));
  }

  static @Nullable Step step(Draft draft, int x) {
    Value value = draft.value(x);
    int which = draft.choices.below(CASES.size() + 4);
    if (which < CASES.size()) {
      Case c = CASES.get(which);
      return c.fits.test(value)
          ? Step.of(c.text, in -> c.library.apply(in.get(0)), in -> in.get(0).map(c.oracle), x)
          : null;
    }
    return switch (which - CASES.size()) {
      case 0 ->
          Step.of("asConstant", in -> in.get(0).asConstant(), in -> in.get(0).stopped(), x)
              .asView()
              .stopping();
      case 1 -> cast(draft, x);
      case 2 ->
          Step.of(
                  "without autodiff square",
                  in -> NoAutodiff.call(in.get(0)::square),
                  in -> in.get(0).stopped().map(z -> z.times(z)),
                  x)
              .stopping();
      default -> dropout(draft, x);
    };
  }

  private static Step cast(Draft draft, int x) {
    DType dtype = draft.choices.flag() ? DType.F64 : DType.F32;
    return Step.of("astype " + dtype, in -> in.get(0).astype(dtype), in -> in.get(0), x)
        .asView()
        .to(dtype);
  }

  private static Step dropout(Draft draft, int x) {
    int seed = draft.choices.below(100);
    return Step.of(
        "dropout 0.25 of seed " + seed,
        in -> Functions.dropout(in.get(0), 0.25, new SplittableRandom(seed)),
        in -> {
          SplittableRandom random = new SplittableRandom(seed);
          return in.get(0).map(z -> random.nextDouble() < 0.25 ? Complex.of(0) : z.over(0.75));
        },
        x);
  }
}
