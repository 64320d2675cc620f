package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** y = 1 / (1 + exp(-x)); dy = dx y (1 - y). */
final class Sigmoid extends Operation {
  Sigmoid(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.SIGMOID, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(output()).multiply(output().negate().add(1));
  }
}
