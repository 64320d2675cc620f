package io.github.jbatchnorm.autograd;

import java.util.function.DoubleUnaryOperator;

/** A complex number, for the complex step. */
public record Complex(double re, double im) {
  public static Complex of(double value) {
    return new Complex(value, 0);
  }

  public Complex plus(Complex z) {
    return new Complex(re + z.re, im + z.im);
  }

  public Complex plus(double value) {
    return new Complex(re + value, im);
  }

  public Complex minus(Complex z) {
    return new Complex(re - z.re, im - z.im);
  }

  public Complex times(Complex z) {
    return new Complex(re * z.re - im * z.im, re * z.im + im * z.re);
  }

  public Complex times(double factor) {
    return new Complex(re * factor, im * factor);
  }

  public Complex over(Complex z) {
    double square = z.re * z.re + z.im * z.im;
    return new Complex((re * z.re + im * z.im) / square, (im * z.re - re * z.im) / square);
  }

  public Complex over(double divisor) {
    return new Complex(re / divisor, im / divisor);
  }

  public Complex exp() {
    double size = StrictMath.exp(re);
    return new Complex(size * StrictMath.cos(im), size * StrictMath.sin(im));
  }

  public Complex log() {
    return new Complex(StrictMath.log(StrictMath.hypot(re, im)), StrictMath.atan2(im, re));
  }

  public Complex sqrt() {
    return log().times(0.5).exp();
  }

  public Complex pow(Complex exponent) {
    return log().times(exponent).exp();
  }

  public Complex sin() {
    return new Complex(
        StrictMath.sin(re) * StrictMath.cosh(im), StrictMath.cos(re) * StrictMath.sinh(im));
  }

  public Complex cos() {
    return new Complex(
        StrictMath.cos(re) * StrictMath.cosh(im), -StrictMath.sin(re) * StrictMath.sinh(im));
  }

  public Complex tanh() {
    Complex e = times(2).exp();
    return e.plus(-1).over(e.plus(1));
  }

  /** Returns f, which is analytic and real on the real axis, from its derivative to first order. */
  public Complex first(DoubleUnaryOperator f, DoubleUnaryOperator derivative) {
    return new Complex(f.applyAsDouble(re), im * derivative.applyAsDouble(re));
  }
}
