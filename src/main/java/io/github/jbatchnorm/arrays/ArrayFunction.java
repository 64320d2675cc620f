package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;

/**
 * Elementwise functions of one or two arrays, a and b, with the parameters p and q where they have
 * any. Computed in f64 and rounded once to the dtype of the result, which for + - * / and the
 * square root gives the bits of f32 arithmetic. docs/numerics.md has the errors of the
 * exponentials.
 */
public enum ArrayFunction {
  /** a + b. */
  ADD(0),
  /** a - b. */
  SUBTRACT(1),
  /** a b. */
  MULTIPLY(2),
  /** a / b. */
  DIVIDE(3),
  /** The larger, NaN if either is. */
  MAXIMUM(4),
  /** The smaller, NaN if either is. */
  MINIMUM(5),
  /** 1 where a is more than b, else 0; NaN if either is. */
  GREATER(6),
  /** a where b is more than 0, else a p; NaN where b is. */
  BEND_GRADIENT(7),
  /** {@link #BEND} of a + b. */
  ADD_BEND(8),
  /** a. */
  COPY(9),
  /** -a. */
  NEGATE(10),
  /** |a|. */
  ABS(11),
  /** The square root of a. */
  SQRT(12),
  /** a where a is more than 0, else a p: 0, not -0 or NaN, for a finite or infinite a and p = 0. */
  BEND(13),
  /** -1, 0 or 1, the sign of a; NaN for NaN. */
  SIGN(14),
  /** 1 where a is 0, else 0. */
  IS_ZERO(15),
  /** a, but at least p and at most q. */
  CLIP(16),
  /** 1 where a is p to q, else 0; 1 for NaN. */
  INSIDE(17),
  /** a a. */
  SQUARE(18),
  /** e to the power of a. */
  EXP(19),
  /** exp(a) - 1, exact near 0. */
  EXPM1(20),
  /** The natural logarithm of a. */
  LOG(21),
  /** log(1 + a), exact near 0. */
  LOG1P(22),
  /** The hyperbolic tangent of a. */
  TANH(23),
  /** 1 / (1 + exp(-a)). */
  SIGMOID(24),
  /** a where a is more than 0, else p (exp(a) - 1). */
  ELU(25);

  /** The number that native/src/elementwise.hpp knows this by. */
  final int code;

  ArrayFunction(int code) {
    this.code = code;
  }

  /** Returns the value; p and q, but for ELU's p, and inner sums are rounded to {@code dtype}. */
  double apply(double a, double b, double p, double q, DType dtype) {
    return switch (this) {
      case ADD -> a + b;
      case SUBTRACT -> a - b;
      case MULTIPLY -> a * b;
      case DIVIDE -> a / b;
      case MAXIMUM -> Math.max(a, b);
      case MINIMUM -> Math.min(a, b);
      case GREATER -> a > b ? 1 : a <= b ? 0 : Double.NaN;
      case BEND_GRADIENT -> b > 0 ? a : b <= 0 ? a * round(p, dtype) : b;
      case ADD_BEND -> bend(round(a + b, dtype), round(p, dtype));
      case COPY -> a;
      case NEGATE -> -a;
      case ABS -> Math.abs(a);
      case SQRT -> Math.sqrt(a);
      case BEND -> bend(a, round(p, dtype));
      case SIGN -> Math.signum(a);
      case IS_ZERO -> a == 0 ? 1 : 0;
      case CLIP ->
          a < round(p, dtype) ? round(p, dtype) : a > round(q, dtype) ? round(q, dtype) : a;
      case INSIDE -> a < round(p, dtype) || a > round(q, dtype) ? 0 : 1;
      case SQUARE -> a * a;
      case EXP -> Exponentials.exp(a);
      case EXPM1 -> Exponentials.expm1(a);
      case LOG -> Exponentials.log(a);
      case LOG1P -> Exponentials.log1p(a);
      case TANH -> Exponentials.tanh(a);
      case SIGMOID -> Exponentials.sigmoid(a);
      case ELU -> a > 0 ? a : p * Exponentials.expm1(a);
    };
  }

  private static double bend(double a, double p) {
    if (p == 0) {
      return a <= 0 ? 0 : a;
    }
    return a > 0 ? a : a * p;
  }

  private static double round(double value, DType dtype) {
    return dtype == DType.F64 ? value : (float) value;
  }
}
