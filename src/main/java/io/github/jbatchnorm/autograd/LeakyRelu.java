package io.github.jbatchnorm.autograd;

/** x where x > 0, else slope x; the derivative is 1 where x > 0, else the slope. */
final class LeakyRelu extends Operation {
  private final double slope;

  LeakyRelu(Tensor x, double slope) {
    super(x);
    this.slope = slope;
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(
        input(0),
        (a, n) -> {
          for (int i = 0; i < n; i++) {
            a[i] = a[i] > 0 ? a[i] : a[i] * slope;
          }
        });
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return BatchNormComposition.bendGradient(grad, input(0), slope);
  }
}
