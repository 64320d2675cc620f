package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** max(x, 0), NaN for NaN; the derivative is 1 where x > 0, else 0. */
final class Relu extends Operation {
  Relu(Tensor x) {
    super(x);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.BEND, input(0));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new BendGradient(grad, input(0), 0).apply();
  }
}
