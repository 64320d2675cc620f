package io.github.jbatchnorm.autograd;

/** What leads back from hyperbolic functions, elementwise, by {@link StrictMath}. */
final class Hyperbolics {
  /** Past this the square of x is 1 less than what a double can tell. */
  private static final double LARGE = 0x1p28;

  private Hyperbolics() {}

  /** log(x + sqrt(x^2 + 1)); the derivative is 1 / sqrt(x^2 + 1). */
  static final class ArcSinh extends Formula {
    ArcSinh(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(ArcSinh::of, input(0));
    }

    private static double of(double x) {
      double a = Math.abs(x);
      double y =
          a > LARGE
              ? StrictMath.log(a) + Exponentials.LN2
              : StrictMath.log1p(a + a * a / (1 + Math.sqrt(a * a + 1)));
      return Math.copySign(y, x);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(input(0).square().add(1).sqrt());
    }
  }

  /** log(x + sqrt(x^2 - 1)); the derivative is 1 / sqrt((x - 1) (x + 1)). */
  static final class ArcCosh extends Formula {
    ArcCosh(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(ArcCosh::of, input(0));
    }

    private static double of(double x) {
      double t = x - 1;
      return x > LARGE
          ? StrictMath.log(x) + Exponentials.LN2
          : StrictMath.log1p(t + Math.sqrt(2 * t + t * t)); // NaN below 1
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor x = input(0);
      return grad.divide(x.subtract(1).multiply(x.add(1)).sqrt());
    }
  }

  /** log((1 + x) / (1 - x)) / 2; the derivative is 1 / ((1 - x) (1 + x)). */
  static final class ArcTanh extends Formula {
    ArcTanh(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.map(ArcTanh::of, input(0));
    }

    private static double of(double x) {
      double a = Math.abs(x);
      return Math.copySign(0.5 * StrictMath.log1p(2 * a / (1 - a)), x);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor x = input(0);
      return grad.divide(x.negate().add(1).multiply(x.add(1)));
    }
  }
}
