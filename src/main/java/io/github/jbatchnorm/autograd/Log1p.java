package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** log(1 + x), exact near 0. */
final class Log1p extends Operation {
  Log1p(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.LOG1P, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.divide(input(0).add(1));
  }
}
