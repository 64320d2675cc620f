package io.github.jbatchnorm.autograd;

import java.util.Objects;
import java.util.function.DoubleBinaryOperator;

/**
 * What no gradient flows through: comparisons, tests, logic and rounding. The results are constants
 * of the operands' dtype, as there is none of integers or truth values: 1 for true and 0 for false,
 * and what is other than 0 counts as true. A comparison with NaN is false. Two tensors broadcast by
 * NumPy's rules, and mixed dtypes promote; a {@code double} takes the tensor's dtype. Each method
 * throws IllegalArgumentException where shapes do not broadcast.
 */
sealed interface ComparisonMethods permits Tensor {
  /**
   * {@return a constant: 1 where this is more than other, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor greater(Tensor other) {
    return test(other, (a, b) -> a > b);
  }

  /**
   * {@return a constant: 1 where this is more than value, else 0}
   *
   * @param value the number
   */
  default Tensor greater(double value) {
    return greater(like(value));
  }

  /**
   * {@return a constant: 1 where this is other or more, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor greaterEqual(Tensor other) {
    return test(other, (a, b) -> a >= b);
  }

  /**
   * {@return a constant: 1 where this is value or more, else 0}
   *
   * @param value the number
   */
  default Tensor greaterEqual(double value) {
    return greaterEqual(like(value));
  }

  /**
   * {@return a constant: 1 where this is less than other, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor less(Tensor other) {
    return test(other, (a, b) -> a < b);
  }

  /**
   * {@return a constant: 1 where this is less than value, else 0}
   *
   * @param value the number
   */
  default Tensor less(double value) {
    return less(like(value));
  }

  /**
   * {@return a constant: 1 where this is other or less, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor lessEqual(Tensor other) {
    return test(other, (a, b) -> a <= b);
  }

  /**
   * {@return a constant: 1 where this is value or less, else 0}
   *
   * @param value the number
   */
  default Tensor lessEqual(double value) {
    return lessEqual(like(value));
  }

  /**
   * {@return a constant: 1 where this is other, else 0; -0 is 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor equal(Tensor other) {
    return test(other, (a, b) -> a == b);
  }

  /**
   * {@return a constant: 1 where this is value, else 0; -0 is 0}
   *
   * @param value the number
   */
  default Tensor equal(double value) {
    return equal(like(value));
  }

  /**
   * {@return a constant: 1 where this is not other, NaN included, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor notEqual(Tensor other) {
    return test(other, (a, b) -> a != b);
  }

  /**
   * {@return a constant: 1 where this is not value, NaN included, else 0}
   *
   * @param value the number
   */
  default Tensor notEqual(double value) {
    return notEqual(like(value));
  }

  /**
   * {@return a constant: 1 where this differs from other by at most atol + rtol |other|, else 0;
   * infinities equal themselves} NumPy's are 1e-5 and 1e-8.
   *
   * @param other the other operand, whose shape broadcasts with this one's
   * @param rtol what may differ, as a share of the other's element
   * @param atol what may differ anyway
   */
  default Tensor isClose(Tensor other, double rtol, double atol) {
    return test(other, (a, b) -> Comparisons.areClose(a, b, rtol, atol));
  }

  /** {@return a constant: 1 where this is NaN, else 0} */
  default Tensor isNaN() {
    return Elementwise.map(a -> Double.isNaN(a) ? 1 : 0, self());
  }

  /** {@return a constant: 1 where this is infinite, else 0} */
  default Tensor isInfinite() {
    return Elementwise.map(a -> Double.isInfinite(a) ? 1 : 0, self());
  }

  /** {@return a constant: 1 where this is neither infinite nor NaN, else 0} */
  default Tensor isFinite() {
    return Elementwise.map(a -> Double.isFinite(a) ? 1 : 0, self());
  }

  /** {@return a constant: 1 where the sign is set, of -0 too, else 0} */
  default Tensor signBit() {
    return Elementwise.map(a -> Math.copySign(1, a) < 0 ? 1 : 0, self());
  }

  /**
   * {@return a constant: 1 where both are other than 0, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor logicalAnd(Tensor other) {
    return test(other, (a, b) -> a != 0 && b != 0);
  }

  /**
   * {@return a constant: 1 where either or both are other than 0, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor logicalOr(Tensor other) {
    return test(other, (a, b) -> a != 0 || b != 0);
  }

  /**
   * {@return a constant: 1 where one of both is other than 0, else 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor logicalXor(Tensor other) {
    return test(other, (a, b) -> a != 0 ^ b != 0);
  }

  /** {@return a constant: 1 where this is 0, else 0} */
  default Tensor logicalNot() {
    return Comparisons.zero(self());
  }

  /**
   * {@return a constant: 1 where an element over the axes is other than 0, else 0, as where there
   * is none}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor any(int... axes) {
    return any(false, axes);
  }

  /**
   * As {@link #any(int...)}.
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @return a constant
   */
  default Tensor any(boolean keepDims, int... axes) {
    return NoAutodiff.call(() -> notEqual(0).sum(keepDims, axes).notEqual(0));
  }

  /**
   * {@return a constant: 1 where all elements over the axes are other than 0, as where there is
   * none, else 0}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor all(int... axes) {
    return all(false, axes);
  }

  /**
   * As {@link #all(int...)}.
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @return a constant
   */
  default Tensor all(boolean keepDims, int... axes) {
    return NoAutodiff.call(() -> logicalNot().sum(keepDims, axes).logicalNot());
  }

  /** {@return a constant: -1, 0 or 1, the sign; NaN for NaN} */
  default Tensor sign() {
    return Comparisons.sign(self());
  }

  /** {@return a constant: the largest whole number that is not more} */
  default Tensor floor() {
    return Elementwise.map(StrictMath::floor, self());
  }

  /** {@return a constant: the smallest whole number that is not less} */
  default Tensor ceil() {
    return Elementwise.map(StrictMath::ceil, self());
  }

  /** {@return a constant: the nearest whole number, of two as near the even one} */
  default Tensor round() {
    return Elementwise.map(StrictMath::rint, self());
  }

  /** {@return a constant: the whole number without what comes behind the point} */
  default Tensor trunc() {
    return Elementwise.map(a -> a < 0 ? StrictMath.ceil(a) : StrictMath.floor(a), self());
  }

  /**
   * {@return a constant: what is left of this after {@link #floorDivide}, of the sign of other, as
   * Python's %; NaN where other is 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor mod(Tensor other) {
    return map(other, Comparisons::mod);
  }

  /**
   * {@return as {@link #mod(Tensor)}, of a number}
   *
   * @param value the number
   */
  default Tensor mod(double value) {
    return mod(like(value));
  }

  /**
   * {@return a constant: what is left of this, of its own sign, as C's fmod and Java's %}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor fmod(Tensor other) {
    return map(other, (a, b) -> a % b);
  }

  /**
   * {@return as {@link #fmod(Tensor)}, of a number}
   *
   * @param value the number
   */
  default Tensor fmod(double value) {
    return fmod(like(value));
  }

  /**
   * {@return a constant: the largest whole number that is not more than this / other, as Python's
   * //; as the quotient where other is 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor floorDivide(Tensor other) {
    return map(other, Comparisons::floorDivide);
  }

  /**
   * {@return as {@link #floorDivide(Tensor)}, by a number}
   *
   * @param value the number
   */
  default Tensor floorDivide(double value) {
    return floorDivide(like(value));
  }

  /** Whether two numbers pass. */
  private Tensor test(Tensor other, Comparisons.Test test) {
    return map(other, (a, b) -> test.passes(a, b) ? 1 : 0);
  }

  private Tensor map(Tensor other, DoubleBinaryOperator f) {
    Objects.requireNonNull(other, "other");
    return Elementwise.map(f, self(), other);
  }

  private Tensor self() {
    return (Tensor) this;
  }

  private Tensor like(double value) {
    return Tensor.constantScalar(self().dtype(), value);
  }
}
