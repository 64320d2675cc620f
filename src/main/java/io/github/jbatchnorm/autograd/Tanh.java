package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** The hyperbolic tangent; d tanh(x) = dx (1 - tanh(x)^2). */
final class Tanh extends Operation {
  Tanh(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.TANH, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.subtract(grad.multiply(output()).multiply(output()));
  }
}
