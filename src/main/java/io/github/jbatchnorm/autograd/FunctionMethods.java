package io.github.jbatchnorm.autograd;

import java.util.Objects;

/**
 * Trigonometric and hyperbolic functions and logarithms, elementwise: of this shape and dtype,
 * computed in f64 by {@link StrictMath} and rounded once, so that they have the same bits
 * everywhere. Outside of its domain a function is NaN.
 */
sealed interface FunctionMethods permits Tensor {
  /** {@return the sine of radians} */
  default Tensor sin() {
    return new Trigonometry.Sin(self()).apply();
  }

  /** {@return the cosine of radians} */
  default Tensor cos() {
    return new Trigonometry.Cos(self()).apply();
  }

  /** {@return the tangent of radians} */
  default Tensor tan() {
    return sin().divide(cos());
  }

  /** {@return the cotangent of radians, cos / sin} */
  default Tensor cot() {
    return cos().divide(sin());
  }

  /** {@return the secant of radians, 1 / cos} */
  default Tensor sec() {
    return cos().reciprocal();
  }

  /** {@return the cosecant of radians, 1 / sin} */
  default Tensor csc() {
    return sin().reciprocal();
  }

  /** {@return sin(pi this) / (pi this), 1 at 0, as NumPy's} */
  default Tensor sinc() {
    return new Trigonometry.Sinc(self(), 0).apply();
  }

  /** {@return the radians of a sine, -pi/2 to pi/2; the gradient at -1 and 1 is infinite} */
  default Tensor arcsin() {
    return new Trigonometry.ArcSin(self()).apply();
  }

  /** {@return the radians of a cosine, 0 to pi; the gradient at -1 and 1 is infinite} */
  default Tensor arccos() {
    return new Trigonometry.ArcCos(self()).apply();
  }

  /** {@return the radians of a tangent, -pi/2 to pi/2} */
  default Tensor arctan() {
    return new Trigonometry.ArcTan(self()).apply();
  }

  /** {@return the radians of a cotangent, arctan(1 / this), pi/2 at 0} */
  default Tensor arccot() {
    return new Trigonometry.ArcCot(self()).apply();
  }

  /** {@return the radians of a secant, arccos(1 / this)} */
  default Tensor arcsec() {
    return self().reciprocal().arccos();
  }

  /** {@return the radians of a cosecant, arcsin(1 / this)} */
  default Tensor arccsc() {
    return self().reciprocal().arcsin();
  }

  /**
   * {@return the angle of the point whose ordinate this is, -pi to pi, as {@link StrictMath#atan2};
   * the gradient at the origin is NaN} Mixed dtypes promote.
   *
   * @param x the abscissa, whose shape broadcasts with this one's
   */
  default Tensor arctan2(Tensor x) {
    Objects.requireNonNull(x, "x");
    return new Trigonometry.ArcTan2(self(), x).apply();
  }

  /** {@return the hyperbolic sine} */
  default Tensor sinh() {
    return self().expm1().subtract(self().negate().expm1()).multiply(0.5); // exact near 0
  }

  /** {@return the hyperbolic cosine} */
  default Tensor cosh() {
    return self().exp().add(self().negate().exp()).multiply(0.5);
  }

  /** {@return the hyperbolic tangent} */
  default Tensor tanh() {
    return new Exponentials.Tanh(self()).apply();
  }

  /** {@return the hyperbolic cotangent, 1 / tanh} */
  default Tensor coth() {
    return tanh().reciprocal();
  }

  /** {@return the hyperbolic secant, 1 / cosh} */
  default Tensor sech() {
    return cosh().reciprocal();
  }

  /** {@return the hyperbolic cosecant, 1 / sinh} */
  default Tensor csch() {
    return sinh().reciprocal();
  }

  /** {@return what this is the hyperbolic sine of: log(this + sqrt(this^2 + 1))} */
  default Tensor arcsinh() {
    return new Hyperbolics.ArcSinh(self()).apply();
  }

  /** {@return what this, at least 1, is the hyperbolic cosine of: log(this + sqrt(this^2 - 1))} */
  default Tensor arccosh() {
    return new Hyperbolics.ArcCosh(self()).apply();
  }

  /** {@return what this, -1 to 1, is the hyperbolic tangent of} */
  default Tensor arctanh() {
    return new Hyperbolics.ArcTanh(self()).apply();
  }

  /** {@return what this is the hyperbolic cotangent of, arctanh(1 / this)} */
  default Tensor arccoth() {
    return self().reciprocal().arctanh();
  }

  /** {@return what this is the hyperbolic cosecant of, arcsinh(1 / this)} */
  default Tensor arccsch() {
    return self().reciprocal().arcsinh();
  }

  /** {@return 2 to the power of this, exact for whole numbers} */
  default Tensor exp2() {
    return new Exponentials.Exp2(self()).apply();
  }

  /** {@return the logarithm to base 2, exact for powers of 2} */
  default Tensor log2() {
    return new Exponentials.Log2(self()).apply();
  }

  /** {@return the logarithm to base 10} */
  default Tensor log10() {
    return new Exponentials.Log10(self()).apply();
  }

  /**
   * {@return log2(2^this + 2^other), without overflow}
   *
   * @param other the other operand, whose shape broadcasts with this one's
   */
  default Tensor logaddexp2(Tensor other) {
    Objects.requireNonNull(other, "other");
    double ln2 = Exponentials.LN2;
    return self().multiply(ln2).logaddexp(other.multiply(ln2)).divide(ln2);
  }

  /** {@return the cube root, negative of negative numbers; the gradient at 0 is infinite} */
  default Tensor cbrt() {
    return new Exponentials.Cbrt(self()).apply();
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
