package io.github.jbatchnorm.autograd;

/** The sine of radians. */
final class Sin extends Operation {
  Sin(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(StrictMath::sin, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(input(0).cos());
  }
}
