package io.github.jbatchnorm.autograd;

/** e to the power of x, its own derivative. */
final class Exp extends Operation {
  Exp(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Exp::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = StrictMath.exp(a[i]);
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(output());
  }
}
