package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** The smaller of x and y, NaN if either is; where they are equal, both derivatives are 0. */
final class Minimum extends Operation {
  Minimum(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.MINIMUM, input(0), input(1));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(Steps.greater(input(1 - input), input(input)));
  }
}
