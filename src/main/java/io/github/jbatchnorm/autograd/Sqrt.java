package io.github.jbatchnorm.autograd;

/** The square root; d sqrt(x) = dx / (2 sqrt(x)). */
final class Sqrt extends Operation {
  Sqrt(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Sqrt::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = Math.sqrt(a[i]);
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.divide(output().multiply(2));
  }
}
