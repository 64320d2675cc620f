package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;

/** Functions that are constant between steps: their derivative is 0, so they are not recorded. */
final class Steps {
  private Steps() {}

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
}
