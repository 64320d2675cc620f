package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** grad where x > 0, else slope grad; NaN where x is. Constant in x between steps. */
final class BendGradient extends Operation {
  private final double slope;

  BendGradient(Tensor grad, Tensor x, double slope) {
    super(grad, x.asConstant());
    this.slope = slope;
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.BEND_GRADIENT, slope, input(0), input(1));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new BendGradient(grad, input(1), slope).apply();
  }
}
