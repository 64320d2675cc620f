package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.memory.DType;
import java.util.Objects;

/**
 * Elementwise arithmetic. Two tensors broadcast by NumPy's rules, and mixed dtypes promote to f64;
 * a {@code double} argument takes the tensor's dtype. Each method throws IllegalArgumentException
 * where shapes do not broadcast.
 */
sealed interface ArithmeticMethods permits Tensor {
  /** Returns this + other. */
  default Tensor add(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Add(self(), other).apply();
  }

  /** Returns this + value. */
  default Tensor add(double value) {
    return add(like(value));
  }

  /** Returns this - other. */
  default Tensor subtract(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Subtract(self(), other).apply();
  }

  /** Returns this - value. */
  default Tensor subtract(double value) {
    return subtract(like(value));
  }

  /** Returns this * other. */
  default Tensor multiply(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Multiply(self(), other).apply();
  }

  /** Returns this * value. */
  default Tensor multiply(double value) {
    return multiply(like(value));
  }

  /** Returns this / other. */
  default Tensor divide(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Arithmetic.Divide(self(), other).apply();
  }

  /** Returns this / value. */
  default Tensor divide(double value) {
    return divide(like(value));
  }

  /** Returns -this. */
  default Tensor negate() {
    return new Arithmetic.Negate(self()).apply();
  }

  /** Returns this to the power of exponent, elementwise, as {@link StrictMath#pow}. */
  default Tensor pow(Tensor exponent) {
    DType dtype = DType.promote(self().dtype(), exponent.dtype());
    return new Arithmetic.Power(self().astype(dtype), exponent.astype(dtype)).apply();
  }

  /** Returns this to the power of exponent. */
  default Tensor pow(double exponent) {
    return pow(like(exponent));
  }

  /** Returns the square root. */
  default Tensor sqrt() {
    return new Arithmetic.Sqrt(self()).apply();
  }

  /** Returns e to the power of this. */
  default Tensor exp() {
    return new Exponentials.Exp(self()).apply();
  }

  /** Returns the natural logarithm. */
  default Tensor log() {
    return new Exponentials.Log(self()).apply();
  }

  /** Returns max(this, 0); the gradient at 0 is 0. */
  default Tensor relu() {
    return new Activations.Relu(self()).apply();
  }

  /** Returns this where it is above 0, else slope times this; the gradient at 0 is the slope. */
  default Tensor leakyRelu(double slope) {
    return new Activations.LeakyRelu(self(), slope).apply();
  }

  /**
   * Returns the gradient of {@code x.leakyRelu(slope)} for x, where this is that of its result:
   * this where x is above 0, else slope times this; NaN where x is. It is constant in x.
   */
  default Tensor leakyReluGradient(Tensor x, double slope) {
    Objects.requireNonNull(x, "x");
    return new Activations.BendGradient(self(), x, slope).apply();
  }

  /** Returns this where it is above 0, else alpha (exp(this) - 1) (Clevert et al., 2016). */
  default Tensor elu(double alpha) {
    return new Activations.Elu(self(), alpha).apply();
  }

  /** Returns the hyperbolic tangent. */
  default Tensor tanh() {
    return new Exponentials.Tanh(self()).apply();
  }

  /** Returns 1 / (1 + exp(-this)). */
  default Tensor sigmoid() {
    return new Exponentials.Sigmoid(self()).apply();
  }

  /** Returns the absolute value; the gradient at 0 is 0. */
  default Tensor abs() {
    return new Comparisons.Abs(self()).apply();
  }

  /**
   * Returns the larger of each pair, NaN if either is; where they are equal the gradients are 0.
   */
  default Tensor maximum(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Comparisons.Maximum(self(), other).apply();
  }

  /** Returns the larger of each element and value. */
  default Tensor maximum(double value) {
    return maximum(like(value));
  }

  /** Returns the smaller of each pair, NaN if either is; where they are equal gradients are 0. */
  default Tensor minimum(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Comparisons.Minimum(self(), other).apply();
  }

  /** Returns the smaller of each element and value. */
  default Tensor minimum(double value) {
    return minimum(like(value));
  }

  /**
   * Returns each element, but at least low and at most high; the gradient is 1 from low to high,
   * both included, and else 0.
   *
   * @throws IllegalArgumentException if low is more than high, or either is NaN
   */
  default Tensor clip(double low, double high) {
    return new Comparisons.Clip(self(), low, high).apply();
  }

  /** Returns the square. */
  default Tensor square() {
    return new Arithmetic.Square(self()).apply();
  }

  /** Returns the sine of radians. */
  default Tensor sin() {
    return new Exponentials.Sin(self()).apply();
  }

  /** Returns the cosine of radians. */
  default Tensor cos() {
    return new Exponentials.Cos(self()).apply();
  }

  /** Returns exp(this) - 1, exact near 0. */
  default Tensor expm1() {
    return new Exponentials.Expm1(self()).apply();
  }

  /** Returns 1 / this. */
  default Tensor reciprocal() {
    return like(1).divide(self());
  }

  /** Returns the tangent of radians. */
  default Tensor tan() {
    return sin().divide(cos());
  }

  /** Returns the hyperbolic sine. */
  default Tensor sinh() {
    return expm1().subtract(negate().expm1()).multiply(0.5); // exact near 0
  }

  /** Returns the hyperbolic cosine. */
  default Tensor cosh() {
    return exp().add(negate().exp()).multiply(0.5);
  }

  /** Returns log(exp(this) + exp(other)), without overflow. */
  default Tensor logaddexp(Tensor other) {
    Objects.requireNonNull(other, "other");
    return new Exponentials.LogAddExp(self(), other).apply();
  }

  /** Returns log(1 + this), exact near 0. */
  default Tensor log1p() {
    return new Exponentials.Log1p(self()).apply();
  }

  /** Returns a constant: 1 where this is more than other, else 0; NaN where either is. */
  default Tensor greater(Tensor other) {
    Objects.requireNonNull(other, "other");
    return Comparisons.greater(self(), other);
  }

  /** Returns a constant: 1 where this is more than value, else 0; NaN for NaN. */
  default Tensor greater(double value) {
    return greater(like(value));
  }

  /** Returns a constant: 1 where this is less than other, else 0; NaN where either is. */
  default Tensor less(Tensor other) {
    Objects.requireNonNull(other, "other");
    return Comparisons.greater(other, self());
  }

  /** Returns a constant: 1 where this is less than value, else 0; NaN for NaN. */
  default Tensor less(double value) {
    return Comparisons.greater(like(value), self());
  }

  /** Returns this in another dtype, each element rounded to nearest; this itself if it has it. */
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
