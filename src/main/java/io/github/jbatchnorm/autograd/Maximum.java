package io.github.jbatchnorm.autograd;

/** The larger of x and y, NaN if either is; where they are equal, both derivatives are 0. */
final class Maximum extends Operation {
  Maximum(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.zip(input(0), input(1), Maximum::compute);
  }

  private static void compute(double[] a, double[] b, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = Math.max(a[i], b[i]);
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(Steps.greater(input(input), input(1 - input)));
  }
}
