package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** -x. */
final class Negate extends Operation {
  Negate(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.NEGATE, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.negate();
  }
}
