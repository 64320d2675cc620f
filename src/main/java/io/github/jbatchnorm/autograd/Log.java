package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** The natural logarithm; d log(x) = dx / x. */
final class Log extends Operation {
  Log(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.LOG, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.divide(input(0));
  }
}
