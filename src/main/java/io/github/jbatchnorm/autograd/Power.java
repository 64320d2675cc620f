package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.memory.DType;

/**
 * x to the power of y. The derivatives are y x^(y-1), which is 0 where y is, whatever x is, and x^y
 * log(x), which is 0 where x is 0, as MyGrad has them.
 */
final class Power extends Operation {
  Power(Tensor x, Tensor y) {
    super(x, y);
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(StrictMath::pow, input(0), input(1));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    DType wide = grad.dtype().parameters(); // what 16 bits hold may have a 1/x that they do not
    Tensor x = input(0).astype(wide);
    Tensor y = input(1).astype(wide);
    Tensor g = grad.astype(wide);
    if (input == 0) {
      Tensor one = Tensor.constantScalar(wide, 1);
      Tensor base = new Select(isFlat(x, y), one, x).apply();
      return g.multiply(y).multiply(base.pow(y.subtract(1)));
    }
    return g.multiply(output()).multiply(x.add(Steps.zero(x)).log());
  }

  /** Returns 1 where y is 0, so that the power is 1 for every x, and 1/x is not finite; else 0. */
  private static Tensor isFlat(Tensor x, Tensor y) {
    Tensor inverse = Elementwise.of(ArrayFunction.DIVIDE, Tensor.constantScalar(x.dtype(), 1), x);
    return Elementwise.map((a, b) -> b == 0 && !Double.isFinite(a) ? 1 : 0, inverse, y);
  }
}
