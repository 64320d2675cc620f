package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** The larger of x and y, NaN if either is; where they are equal, both derivatives are 0. */
final class Maximum extends Operation {
  Maximum(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.MAXIMUM, input(0), input(1));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(Steps.greater(input(input), input(1 - input)));
  }
}
