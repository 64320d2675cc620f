package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** x - y. */
final class Subtract extends Operation {
  Subtract(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.SUBTRACT, input(0), input(1));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0 ? grad : grad.negate();
  }
}
