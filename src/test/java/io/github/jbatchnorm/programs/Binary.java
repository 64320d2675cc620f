package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/** Functions of two tensors, which broadcast. */
final class Binary {
  /** A function, its definition, and where that has neither bend nor pole. */
  private record Case(
      String text,
      BinaryOperator<Tensor> library,
      BinaryOperator<Complex> oracle,
      BiPredicate<Value, Value> fits) {}

  private Binary() {}

  private static boolean areApart(Value a, Value b) {
    return a.zip(b, Complex::minus).isAwayFrom(0);
  }

  private static final List<Case> CASES =
      List.of(
          new Case("add", Tensor::add, Complex::plus, (a, b) -> true),
          new Case("subtract", Tensor::subtract, Complex::minus, (a, b) -> true),
          new Case("multiply", Tensor::multiply, Complex::times, (a, b) -> true),
          new Case(
              "divide",
              Tensor::divide,
              Complex::over,
              (a, b) -> b.all(z -> Math.abs(z.re()) > 0.2)),
          new Case(
              "pow", Tensor::pow, Complex::pow, (a, b) -> a.isWithin(0.2, 5) && b.isWithin(-2, 2)),
          new Case(
              "logaddexp",
              Tensor::logaddexp,
              (a, b) -> a.exp().plus(b.exp()).log(),
              (a, b) -> true),
          new Case("maximum", Tensor::maximum, (a, b) -> a.re() > b.re() ? a : b, Binary::areApart),
          new Case("minimum", Tensor::minimum, (a, b) -> a.re() < b.re() ? a : b, Binary::areApart),
          new Case(
              "arctan2",
              Tensor::arctan2,
              Binary::arctan2,
              (a, b) -> a.isWithin(0.2, 5) || b.isWithin(0.2, 5)),
          new Case(
              "clip from",
              (a, b) -> a.clip(b, null),
              (a, b) -> a.re() > b.re() ? a : b,
              Binary::areApart),
          new Case(
              "add in place",
              (a, b) -> broadcastCopy(a, b).addInPlace(b),
              Complex::plus,
              (a, b) -> true),
          new Case(
              "multiply in place, and what it was before",
              (a, b) -> {
                Tensor copy = broadcastCopy(a, b);
                Tensor before = copy.square();
                copy.multiplyInPlace(b);
                return before.add(copy);
              },
              (a, b) -> a.times(a).plus(a.times(b)),
              (a, b) -> true),
          new Case(
              "less",
              Tensor::less,
              (a, b) -> Complex.of(a.re() < b.re() ? 1 : 0),
              Binary::areApart),
          new Case(
              "where greater",
              (a, b) -> Tensors.where(a.greater(b), a.multiply(b), b.square()),
              (a, b) -> a.re() > b.re() ? a.times(b) : b.times(b),
              Binary::areApart));

  private static Complex arctan2(Complex y, Complex x) {
    double square = x.re() * x.re() + y.re() * y.re();
    return new Complex(
        StrictMath.atan2(y.re(), x.re()), (y.im() * x.re() - x.im() * y.re()) / square);
  }

  /** Returns a in memory of its own, of the shape and dtype of both, a variable. */
  private static Tensor broadcastCopy(Tensor a, Tensor b) {
    return a.multiply(Tensors.onesLike(b));
  }

  static @Nullable Step step(Draft draft, int x) {
    Case c = CASES.get(draft.choices.below(CASES.size()));
    int other = other(draft, x);
    boolean turned = draft.choices.flag();
    int a = turned ? other : x;
    int b = turned ? x : other;
    return c.fits.test(draft.value(a), draft.value(b))
        ? Step.of(
            c.text,
            in -> c.library.apply(in.get(0), in.get(1)),
            in -> in.get(0).zip(in.get(1), c.oracle),
            a,
            b)
        : null;
  }

  /** Returns a node of a shape that goes together with x's: x itself, another, or a new leaf. */
  private static int other(Draft draft, int x) {
    int[] shape = draft.value(x).shape();
    int node = draft.choices.flag() ? draft.someLike(v -> Arrays.equals(v.shape(), shape)) : -1;
    return node >= 0 ? node : draft.leaf(-2, 2, broadcastable(draft, shape));
  }

  private static int[] broadcastable(Draft draft, int... shape) {
    int from = shape.length == 0 ? 0 : draft.choices.below(shape.length + 1);
    int[] part = Arrays.copyOfRange(shape, from, shape.length);
    for (int axis = 0; axis < part.length; axis++) {
      part[axis] = draft.choices.rarely(3) ? 1 : part[axis];
    }
    return part;
  }
}
