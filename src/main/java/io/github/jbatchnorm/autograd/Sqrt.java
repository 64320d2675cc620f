package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** The square root; d sqrt(x) = dx / (2 sqrt(x)). */
final class Sqrt extends Operation {
  Sqrt(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.SQRT, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.divide(output().multiply(2));
  }
}
