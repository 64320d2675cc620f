package io.github.jbatchnorm.autograd;

/** The hyperbolic tangent; d tanh(x) = dx (1 - tanh(x)^2). */
final class Tanh extends Operation {
  Tanh(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Tanh::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = StrictMath.tanh(a[i]);
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.subtract(grad.multiply(output()).multiply(output()));
  }
}
