package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** x where x > 0, else slope x; the derivative is 1 where x > 0, else the slope. */
final class LeakyRelu extends Operation {
  private final double slope;

  LeakyRelu(Tensor x, double slope) {
    super(x);
    this.slope = slope;
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.BEND, input(0), slope, 0);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new BendGradient(grad, input(0), slope).apply();
  }
}
