package io.github.jbatchnorm.autograd;

/** The absolute value; the derivative is the sign, 0 at 0. */
final class Abs extends Operation {
  Abs(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Abs::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = Math.abs(a[i]);
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(Steps.sign(input(0)));
  }
}
