package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** exp(x) - 1, exact near 0. */
final class Expm1 extends Operation {
  Expm1(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.EXPM1, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(output().add(1));
  }
}
