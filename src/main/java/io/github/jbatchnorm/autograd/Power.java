package io.github.jbatchnorm.autograd;

/**
 * x to the power of y. The derivatives are y x^(y-1), which is 0 where x and y are 0, and x^y
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
    Tensor x = input(0);
    Tensor y = input(1);
    if (input == 0) {
      Tensor less = y.subtract(1).add(Steps.zero(y).multiply(Steps.zero(x))); // 0 where both are
      return grad.multiply(y).multiply(x.pow(less));
    }
    return grad.multiply(output()).multiply(x.add(Steps.zero(x)).log());
  }
}
