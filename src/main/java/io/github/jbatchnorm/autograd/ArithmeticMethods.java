package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.memory.DType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Elementwise arithmetic. Two tensors broadcast by NumPy's rules, and mixed dtypes promote to f64;
 * a {@code double} argument takes the tensor's dtype. Each method throws IllegalArgumentException
 * where shapes do not broadcast.
 */
sealed interface ArithmeticMethods permits Tensor {
  /**
   * {@return this + other}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor add(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Add(self(), other).apply();
  }

  /**
   * {@return this + value}
   *
   * @param value the number
   */
  default Tensor add(double value) {
    return add(like(value));
  }

  /**
   * {@return this - other}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor subtract(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Subtract(self(), other).apply();
  }

  /**
   * {@return this - value}
   *
   * @param value the number
   */
  default Tensor subtract(double value) {
    return subtract(like(value));
  }

  /**
   * {@return this * other}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor multiply(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Multiply(self(), other).apply();
  }

  /**
   * {@return this * value}
   *
   * @param value the number
   */
  default Tensor multiply(double value) {
    return multiply(like(value));
  }

  /**
   * {@return this / other}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor divide(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Divide(self(), other).apply();
  }

  /**
   * {@return this / value}
   *
   * @param value the number
   */
  default Tensor divide(double value) {
    return divide(like(value));
  }

  /** {@return -this} */
  default Tensor negate() {
    return new Arithmetic.Negate(self()).apply();
  }

  /**
   * {@return this to the power of exponent, elementwise, as {@link StrictMath#pow}}
   *
   * @param exponent the exponent, one or one for each element
   */
  default Tensor pow(Tensor exponent) {
    DType dtype = DType.promote(self().dtype(), exponent.dtype());
    return new Arithmetic.Power(self().astype(dtype), exponent.astype(dtype)).apply();
  }

  /**
   * {@return this to the power of exponent}
   *
   * @param exponent the exponent, one or one for each element
   */
  default Tensor pow(double exponent) {
    return pow(like(exponent));
  }

  /** {@return the square root} */
  default Tensor sqrt() {
    return new Arithmetic.Sqrt(self()).apply();
  }

  /** {@return e to the power of this} */
  default Tensor exp() {
    return new Exponentials.Exp(self()).apply();
  }

  /** {@return the natural logarithm} */
  default Tensor log() {
    return new Exponentials.Log(self()).apply();
  }

  /** {@return max(this, 0); the gradient at 0 is 0} */
  default Tensor relu() {
    return new Activations.Relu(self()).apply();
  }

  /**
   * {@return this where it is above 0, else slope times this; the gradient at 0 is the slope}
   *
   * @param slope the factor below 0
   */
  default Tensor leakyRelu(double slope) {
    return new Activations.LeakyRelu(self(), slope).apply();
  }

  /**
   * {@return the gradient of {@code x.leakyRelu(slope)} for x, where this is that of its result:
   * this where x is above 0, else slope times this; NaN where x is} It is constant in x.
   *
   * @param x the input
   * @param slope the factor below 0
   */
  default Tensor leakyReluGradient(Tensor x, double slope) {
    Objects.requireNonNull(x, "x");
    return new Activations.BendGradient(self(), x, slope).apply();
  }

  /**
   * {@return this where it is above 0, else alpha (exp(this) - 1) (Clevert et al., 2016)}
   *
   * @param alpha the scale below 0
   */
  default Tensor elu(double alpha) {
    return new Activations.Elu(self(), alpha).apply();
  }

  /** {@return 1 / (1 + exp(-this))} */
  default Tensor sigmoid() {
    return new Exponentials.Sigmoid(self()).apply();
  }

  /** {@return the absolute value; the gradient at 0 is 0} */
  default Tensor abs() {
    return new Comparisons.Abs(self()).apply();
  }

  /**
   * {@return the larger of each pair, NaN if either is; where they are equal the gradients are 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor maximum(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Comparisons.Maximum(self(), other).apply();
  }

  /**
   * {@return the larger of each element and value}
   *
   * @param value the number
   */
  default Tensor maximum(double value) {
    return maximum(like(value));
  }

  /**
   * {@return the smaller of each pair, NaN if either is; where they are equal gradients are 0}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor minimum(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Comparisons.Minimum(self(), other).apply();
  }

  /**
   * {@return the smaller of each element and value}
   *
   * @param value the number
   */
  default Tensor minimum(double value) {
    return minimum(like(value));
  }

  /**
   * {@return each element, but at least low and at most high; the gradient is 1 from low to high,
   * both included, and else 0}
   *
   * @param low the lower bound
   * @param high the upper bound
   * @throws IllegalArgumentException if low is more than high, or either is NaN
   */
  default Tensor clip(double low, double high) {
    return new Comparisons.Clip(self(), low, high).apply();
  }

  /**
   * {@return each element, but at least that of low and at most that of high, which is the one
   * where it is below low; NaN where any of them is} The gradient goes to what the result is; to
   * this where it is equal to a bound. With one bound and a number, {@link #clip(double, double)}
   * with an infinite other bound, or {@link #maximum} and {@link #minimum}.
   *
   * @param low the lower bounds, which broadcast with this, or null for none
   * @param high the upper bounds likewise, or null for none
   * @throws IllegalArgumentException if both are null
   */
  default Tensor clip(@Nullable Tensor low, @Nullable Tensor high) {
    if (low == null && high == null) {
      throw new IllegalArgumentException("low, high: expected at least one, got neither");
    }
    Tensor x = self();
    if (low != null) {
      x = Comparisons.bounded(x, low, 1);
    }
    return high == null ? x : Comparisons.bounded(x, high, -1);
  }

  /** {@return the square} */
  default Tensor square() {
    return new Arithmetic.Square(self()).apply();
  }

  /** {@return exp(this) - 1, exact near 0} */
  default Tensor expm1() {
    return new Exponentials.Expm1(self()).apply();
  }

  /** {@return 1 / this} */
  default Tensor reciprocal() {
    return like(1).divide(self());
  }

  /**
   * {@return log(exp(this) + exp(other)), without overflow}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor logaddexp(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Exponentials.LogAddExp(self(), other).apply();
  }

  /** {@return log(1 + this), exact near 0} */
  default Tensor log1p() {
    return new Exponentials.Log1p(self()).apply();
  }

  /**
   * {@return this in another dtype, each element rounded to nearest; this itself if it has it}
   *
   * @param dtype the type of the elements
   */
  default Tensor astype(DType dtype) {
    return self().dtype() == dtype ? self().same() : new Shaping.Cast(self(), dtype).apply();
  }

  private Tensor self() {
    return (Tensor) this;
  }

  private Tensor like(double value) {
    return Tensor.constantScalar(self().dtype(), value);
  }
}
