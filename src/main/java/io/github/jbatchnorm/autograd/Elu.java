package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** x where x > 0, else alpha (exp(x) - 1); the derivative there is y + alpha. */
final class Elu extends Operation {
  private final double alpha;

  Elu(Tensor x, double alpha) {
    super(x);
    this.alpha = alpha;
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.ELU, input(0), alpha, 0);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    Tensor positive = Steps.positive(input(0));
    Tensor zero = Tensor.constantScalar(grad.dtype(), 0);
    Tensor below = new Select(positive, zero, output()).apply().add(alpha); // never infinite
    // The product with 1 keeps NaN.
    return new Select(positive, grad.multiply(positive), grad.multiply(below)).apply();
  }
}
