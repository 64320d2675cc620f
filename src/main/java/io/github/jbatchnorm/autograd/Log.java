package io.github.jbatchnorm.autograd;

/** The natural logarithm; d log(x) = dx / x. */
final class Log extends Operation {
  Log(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Log::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = StrictMath.log(a[i]);
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.divide(input(0));
  }
}
