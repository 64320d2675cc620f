package io.github.jbatchnorm.autograd;

/** max(x, 0), NaN for NaN; the derivative is 1 where x > 0, else 0. */
final class Relu extends Operation {
  Relu(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(input(0), Relu::compute);
  }

  private static void compute(double[] a, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = a[i] <= 0 ? 0 : a[i];
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(Steps.positive(input(0)));
  }
}
