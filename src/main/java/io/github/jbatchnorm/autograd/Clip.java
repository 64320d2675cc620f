package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** x, but at least low and at most high; the derivative is 1 from low to high, else 0. */
final class Clip extends Operation {
  private final double low;
  private final double high;

  Clip(Tensor x, double low, double high) {
    super(x);
    if (!(low <= high)) {
      throw new IllegalArgumentException(
          "low, high: expected low <= high, got %s and %s".formatted(low, high));
    }
    this.low = low;
    this.high = high;
  }

  @Override
  protected Tensor forward() {
    return Elementwise.of(ArrayFunction.CLIP, input(0), low, high);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.multiply(Steps.inside(input(0), low, high));
  }
}
