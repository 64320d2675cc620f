package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** Exponentials, logarithms and their kin, elementwise. */
final class Exponentials {
  static final double LN2 = 0.6931471805599453;
  private static final double LN10 = 2.302585092994046;

  private Exponentials() {}

  /** e to the power of x, its own derivative. */
  static final class Exp extends Formula {
    Exp(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.EXP, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(output());
    }
  }

  /** exp(x) - 1, exact near 0. */
  static final class Expm1 extends Formula {
    Expm1(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.EXPM1, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(output().add(1));
    }
  }

  /** The natural logarithm; d log(x) = dx / x. */
  static final class Log extends Formula {
    Log(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.LOG, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0));
    }
  }

  /** log(1 + x), exact near 0. */
  static final class Log1p extends Formula {
    Log1p(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.LOG1P, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0).add(1));
    }
  }

  /** log(exp(x) + exp(y)); the derivatives are sigmoid(x - y) and sigmoid(y - x). */
  static final class LogAddExp extends Formula {
    LogAddExp(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(LogAddExp::of, input(0), input(1));
    }

    private static double of(double x, double y) {
      double apart = x == y ? 0 : Math.abs(x - y); // of equal infinities too
      return Math.max(x, y) + StrictMath.log1p(StrictMath.exp(-apart));
    }

    private static double areSameInfinity(double x, double y) {
      return x == y && Double.isInfinite(x) ? 1 : 0;
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor apart = input(input).subtract(input(1 - input));
      Tensor lost = Elementwise.map(LogAddExp::areSameInfinity, input(0), input(1));
      Tensor zero = Tensor.constantScalar(apart.dtype(), 0);
      return grad.multiply(new Comparisons.Select(lost, zero, apart).apply().sigmoid());
    }
  }

  /** y = 1 / (1 + exp(-x)); dy = dx y (1 - y). */
  static final class Sigmoid extends Formula {
    Sigmoid(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.SIGMOID, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(output()).multiply(output().negate().add(1));
    }
  }

  /** The hyperbolic tangent; d tanh(x) = dx (1 - tanh(x)^2). */
  static final class Tanh extends Formula {
    Tanh(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.TANH, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.subtract(grad.multiply(output()).multiply(output()));
    }
  }

  /** 2 to the power of x; the derivative is itself times log(2). */
  static final class Exp2 extends Formula {
    Exp2(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(a -> StrictMath.pow(2, a), input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(output()).multiply(LN2);
    }
  }

  /** The logarithm to base 2; the derivative is 1 / (x log(2)). */
  static final class Log2 extends Formula {
    Log2(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(Log2::of, input(0));
    }

    /** The exponent and the logarithm of the rest, so that powers of 2 are exact. */
    private static double of(double x) {
      if (!(x > 0 && x < Double.POSITIVE_INFINITY)) {
        return StrictMath.log(x);
      }
      if (x < Double.MIN_NORMAL) {
        return of(x * 0x1p54) - 54;
      }
      int exponent = Math.getExponent(x);
      double rest = Math.scalb(x, -exponent);
      return rest > Math.sqrt(2)
          ? exponent + 1 + StrictMath.log(rest / 2) / LN2
          : exponent + StrictMath.log(rest) / LN2;
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0).multiply(LN2));
    }
  }

  /** The logarithm to base 10; the derivative is 1 / (x log(10)). */
  static final class Log10 extends Formula {
    Log10(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::log10, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0).multiply(LN10));
    }
  }

  /** The cube root y; the derivative is 1 / (3 y^2). */
  static final class Cbrt extends Formula {
    Cbrt(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::cbrt, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(output().square().multiply(3));
    }
  }
}
