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

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(input(input).subtract(input(1 - input)).sigmoid());
  }
}
