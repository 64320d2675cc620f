package io.github.jbatchnorm.autograd;

/** -x. */
final class Negate extends Operation {
  Negate(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Negate::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = -a[i];
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.negate();
  }
}
