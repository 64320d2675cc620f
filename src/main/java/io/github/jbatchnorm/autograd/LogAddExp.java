package io.github.jbatchnorm.autograd;

/** log(exp(x) + exp(y)); the derivatives are sigmoid(x - y) and sigmoid(y - x). */
final class LogAddExp extends Operation {
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
    return grad.multiply(new Select(lost, zero, apart).apply().sigmoid());
  }
}
