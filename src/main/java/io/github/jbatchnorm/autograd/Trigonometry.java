package io.github.jbatchnorm.autograd;

import java.util.function.DoubleUnaryOperator;

/** Sines, cosines and what leads back from them, elementwise, by {@link StrictMath}. */
final class Trigonometry {
  private Trigonometry() {}

  /** The sine of radians. */
  static final class Sin extends Formula {
    Sin(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::sin, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(input(0).cos());
    }
  }

  /** The cosine of radians. */
  static final class Cos extends Formula {
    Cos(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::cos, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(input(0).sin()).negate();
    }
  }

  /** Radians of a sine; the derivative is 1 / sqrt((1 - x) (1 + x)). */
  static final class ArcSin extends Formula {
    ArcSin(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::asin, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(onCircle(input(0)));
    }
  }

  /** Radians of a cosine; the derivative is -1 / sqrt((1 - x) (1 + x)). */
  static final class ArcCos extends Formula {
    ArcCos(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::acos, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(onCircle(input(0))).negate();
    }
  }

  /** Returns sqrt(1 - x^2), exact near 1. */
  private static Tensor onCircle(Tensor x) {
    return x.negate().add(1).multiply(x.add(1)).sqrt();
  }

  /** Radians of a tangent; the derivative is 1 / (1 + x^2). */
  static final class ArcTan extends Formula {
    ArcTan(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::atan, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0).square().add(1));
    }
  }

  /** Radians of a cotangent, arctan(1 / x), pi / 2 at 0; the derivative is -1 / (1 + x^2). */
  static final class ArcCot extends Formula {
    ArcCot(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      DoubleUnaryOperator f = a -> a == 0 ? Math.PI / 2 : StrictMath.atan(1 / a);
      return Elementwise.map(f, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0).square().add(1)).negate();
    }
  }

  /** The angle of the point (x, y); the derivatives are x / (x^2 + y^2) and -y / (x^2 + y^2). */
  static final class ArcTan2 extends Formula {
    ArcTan2(Tensor y, Tensor x) {
      super(y, x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(StrictMath::atan2, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor square = input(0).square().add(input(1).square());
      Tensor other = input(1 - input);
      return grad.multiply(input == 0 ? other : other.negate()).divide(square);
    }
  }

  /**
   * A derivative, of an order from 0 on, of sin(u) / u at u = pi x. The next one times pi is the
   * derivative for x, so that all of them are known at 0 too.
   */
  static final class Sinc extends Formula {
    private final int order;

    Sinc(Tensor x, int order) {
      super(x);
      this.order = order;
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(x -> of(Math.PI * x, order), input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new Sinc(input(0), order + 1).apply().multiply(grad).multiply(Math.PI);
    }

    /** u s_n + n s_(n-1) is the n-th derivative of sin(u); near 0, where that cancels, a series. */
    private static double of(double u, int order) {
      if (Math.abs(u) <= order + 1) {
        return series(u, order);
      }
      double value = 0;
      for (int n = 0; n <= order; n++) {
        double wave = n % 2 == 0 ? StrictMath.sin(u) : StrictMath.cos(u);
        value = ((n % 4 < 2 ? wave : -wave) - n * value) / u;
      }
      return value;
    }

    /** The sum over k of (-1)^k u^(2k-n) / ((2k+1) (2k-n)!). */
    private static double series(double u, int order) {
      int k = (order + 1) / 2;
      double power = (2 * k - order == 0 ? 1 : u) * (k % 2 == 0 ? 1 : -1); // over (2k-n)!, signed
      double sum = 0;
      double last = Double.NaN;
      while (sum != last) {
        last = sum;
        sum += power / (2 * k + 1);
        int next = 2 * k + 1 - order;
        power *= -u / next * (u / (next + 1));
        k++;
      }
      return sum;
    }
  }
}
