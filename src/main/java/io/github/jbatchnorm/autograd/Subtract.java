package io.github.jbatchnorm.autograd;

/** x - y. */
final class Subtract extends Operation {
  Subtract(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.zip(input(0), input(1), Subtract::compute);
  }

  private static void compute(double[] a, double[] b, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = a[i] - b[i];
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0 ? grad : grad.negate();
  }
}
