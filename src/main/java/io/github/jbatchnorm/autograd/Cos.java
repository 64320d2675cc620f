package io.github.jbatchnorm.autograd;

/** The cosine of radians. */
final class Cos extends Operation {
  Cos(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(StrictMath::cos, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(input(0).sin()).negate();
  }
}
