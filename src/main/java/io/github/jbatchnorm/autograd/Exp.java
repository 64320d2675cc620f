package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** e to the power of x, its own derivative. */
final class Exp extends Operation {
  Exp(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.EXP, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(output());
  }
}
