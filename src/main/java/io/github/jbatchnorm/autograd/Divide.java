package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** x / y; the derivatives are 1 / y and -(x / y) / y. */
final class Divide extends Operation {
  Divide(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.DIVIDE, input(0), input(1));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    if (input == 0) {
      return grad.divide(input(1));
    }
    Tensor wide = grad.astype(grad.dtype().parameters()); // the product may leave 16 bits' range
    return wide.multiply(output()).divide(input(1)).negate();
  }
}
