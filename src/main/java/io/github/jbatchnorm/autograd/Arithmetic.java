package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.memory.DType;

/** Sums, products, powers and roots of elements. */
final class Arithmetic {
  private Arithmetic() {}

  /** x + y. */
  static final class Add extends Formula {
    Add(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.ADD, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad;
    }
  }

  /** x - y. */
  static final class Subtract extends Formula {
    Subtract(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.SUBTRACT, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return input == 0 ? grad : grad.negate();
    }
  }

  /** x y. */
  static final class Multiply extends Formula {
    Multiply(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.MULTIPLY, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(input(1 - input));
    }
  }

  /** x / y; the derivatives are 1 / y and -(x / y) / y. */
  static final class Divide extends Formula {
    Divide(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.DIVIDE, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      if (input == 0) {
        return grad.divide(input(1));
      }
      Tensor wide = grad.astype(grad.dtype().parameters()); // the product may leave 16 bits' range
      return wide.multiply(output()).divide(input(1)).negate();
    }
  }

  /** -x. */
  static final class Negate extends Formula {
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

  /** x x. */
  static final class Square extends Formula {
    Square(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.SQUARE, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(input(0)).multiply(2);
    }
  }

  /** The square root; d sqrt(x) = dx / (2 sqrt(x)). */
  static final class Sqrt extends Formula {
    Sqrt(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.SQRT, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.divide(output().multiply(2));
    }
  }

  /**
   * x to the power of y. The derivatives are y x^(y-1), which is 0 where y is, whatever x is, and
   * x^y log(x), which is 0 where x is 0, as MyGrad has them.
   */
  static final class Power extends Formula {
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
        Tensor base = new Comparisons.Select(isFlat(x, y), one, x).apply();
        return g.multiply(y).multiply(base.pow(y.subtract(1)));
      }
      return g.multiply(output()).multiply(x.add(Comparisons.zero(x)).log());
    }

    /**
     * Returns 1 where y is 0, so that the power is 1 for every x, and 1/x is not finite; else 0.
     */
    private static Tensor isFlat(Tensor x, Tensor y) {
      Tensor inverse = Elementwise.of(ArrayFunction.DIVIDE, Tensor.constantScalar(x.dtype(), 1), x);
      return Elementwise.map((a, b) -> b == 0 && !Double.isFinite(a) ? 1 : 0, inverse, y);
    }
  }
}
