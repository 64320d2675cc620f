package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;

/** Operations that choose among elements, and the steps that say which. */
final class Comparisons {
  private Comparisons() {}

  /** Returns 1 where x is more than 0 (or NaN: NaN), else 0. */
  static Tensor positive(Tensor x) {
    return greater(x, Tensor.constantScalar(x.dtype(), 0));
  }

  /** Returns 1 where x is more than y (NaN where either is NaN), else 0. */
  static Tensor greater(Tensor x, Tensor y) {
    return Elementwise.of(ArrayFunction.GREATER, x, y);
  }

  /** Returns -1, 0 or 1, the sign of x; NaN for NaN. */
  static Tensor sign(Tensor x) {
    return Elementwise.of(ArrayFunction.SIGN, x);
  }

  /** Returns 1 where x is 0, else 0. */
  static Tensor zero(Tensor x) {
    return Elementwise.of(ArrayFunction.IS_ZERO, x);
  }

  /** Returns 1 where x is low to high, or NaN, else 0. */
  static Tensor inside(Tensor x, double low, double high) {
    return Elementwise.of(ArrayFunction.INSIDE, x, low, high);
  }

  /** Whether two numbers pass. */
  interface Test {
    boolean passes(double a, double b);
  }

  /** Whether a differs from b by at most atol + rtol |b|; infinities equal themselves. */
  static boolean areClose(double a, double b, double rtol, double atol) {
    return a == b || (Math.abs(a - b) <= atol + rtol * Math.abs(b) && Double.isFinite(b));
  }

  /** Returns what is left of a, of b's sign, as Python's %. */
  static double mod(double a, double b) {
    double left = a % b;
    if (left == 0) {
      return Math.copySign(0, b);
    }
    return isOfOtherSign(left, b) ? left + b : left;
  }

  private static boolean isOfOtherSign(double left, double b) {
    return left != 0 && (left < 0) != (b < 0);
  }

  /** Returns the largest whole number that is not more than a / b, as Python's //. */
  static double floorDivide(double a, double b) {
    if (b == 0) {
      return a / b;
    }
    double left = a % b;
    double whole = StrictMath.rint((a - left) / b); // whole but for rounding
    whole -= isOfOtherSign(left, b) ? 1 : 0;
    return whole == 0 ? Math.copySign(0, a / b) : whole;
  }

  /** Returns x, or the bound where it is on the other side of it: above for sign 1. */
  static Tensor bounded(Tensor x, Tensor bound, int sign) {
    Tensor beyond =
        Elementwise.map((a, b) -> sign * a < sign * b || Double.isNaN(b) ? 1 : 0, x, bound);
    return new Select(beyond, bound, x).apply();
  }

  /** The larger of x and y, NaN if either is; where they are equal, both derivatives are 0. */
  static final class Maximum extends Formula {
    Maximum(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.MAXIMUM, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(greater(input(input), input(1 - input)));
    }
  }

  /** The smaller of x and y, NaN if either is; where they are equal, both derivatives are 0. */
  static final class Minimum extends Formula {
    Minimum(Tensor x, Tensor y) {
      super(x, y);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.MINIMUM, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(greater(input(1 - input), input(input)));
    }
  }

  /** The absolute value; the derivative is the sign, 0 at 0. */
  static final class Abs extends Formula {
    Abs(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.ABS, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(sign(input(0)));
    }
  }

  /** x, but at least low and at most high; the derivative is 1 from low to high, else 0. */
  static final class Clip extends Formula {
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
    public Map<String, Object> attributes() {
      return Map.of("low", low, "high", high);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.CLIP, input(0), low, high);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(inside(input(0), low, high));
    }
  }

  /** x where the condition is other than 0, else y; what is not chosen has no part in anything. */
  static final class Select extends Formula {
    Select(Tensor condition, Tensor x, Tensor y) {
      super(x, y, condition.asConstant()); // an input, so that its changes are noticed
    }

    @Override
    protected Tensor forward() {
      int[] both = Shapes.broadcast(input(0).axes(), input(1).axes());
      int[] shape = Shapes.broadcast(input(2).axes(), both);
      Storage test = input(2).broadcastTo(shape).storage();
      Storage x = input(0).broadcastTo(shape).storage();
      Storage y = input(1).broadcastTo(shape).storage();
      Storage result =
          Storage.uninitialized(
              DType.promote(input(0).dtype(), input(1).dtype()), Shapes.size(shape));
      for (int i = 0; i < result.length(); i++) {
        result.set(i, test.get(i) != 0 ? x.get(i) : y.get(i));
      }
      return Tensor.constant(result, shape);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor zero = Tensor.constantScalar(grad.dtype(), 0);
      return input == 0
          ? new Select(input(2), grad, zero).apply()
          : new Select(input(2), zero, grad).apply();
    }
  }
}
