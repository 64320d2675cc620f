package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.memory.DType;
import java.math.BigInteger;

/** Fractions of integers, rounded once. */
final class Quotient {
  private static final int PRECISION_F32 = 24;
  private static final int PRECISION_F64 = 53;
  private static final int LOWEST_F32 = -149;
  private static final int LOWEST_F64 = -1074;

  private Quotient() {}

  /**
   * Returns numerator / denominator * 2<sup>scale</sup> as the nearest number of a dtype, f32 or
   * f64, of two as near the even one; infinity where it is past all of them.
   *
   * @param denominator 1 or more
   */
  static double rounded(BigInteger numerator, BigInteger denominator, int scale, DType dtype) {
    if (numerator.signum() == 0) {
      return 0;
    }
    int precision = dtype == DType.F64 ? PRECISION_F64 : PRECISION_F32;
    // A quotient of some bits more than are wanted, and whether there is a rest.
    int shift = precision + 3 - numerator.abs().bitLength() + denominator.bitLength();
    BigInteger dividend = numerator.abs().shiftLeft(Math.max(shift, 0));
    BigInteger divisor = denominator.shiftLeft(Math.max(-shift, 0));
    BigInteger[] quotient = dividend.divideAndRemainder(divisor);
    long bits = quotient[0].longValueExact();
    boolean rest = quotient[1].signum() != 0;

    int lowest = dtype == DType.F64 ? LOWEST_F64 : LOWEST_F32;
    int length = Long.SIZE - Long.numberOfLeadingZeros(bits);
    int exponent = Math.max(lowest, scale - shift + length - precision);
    int dropped = exponent - (scale - shift);
    double rounded = Math.scalb((double) nearest(bits, rest, dropped), exponent);
    double result = dtype == DType.F64 ? rounded : (float) rounded;
    return numerator.signum() < 0 ? -result : result;
  }

  /** Returns bits, and the rest behind them, / 2<sup>dropped</sup>, rounded to an integer. */
  private static long nearest(long bits, boolean rest, int dropped) {
    if (dropped > Long.SIZE - 2) {
      return 0; // less than half: bits has some 60 at most
    }
    long whole = bits >>> dropped;
    long part = bits - (whole << dropped);
    long half = 1L << (dropped - 1);
    boolean up = part > half || (part == half && (rest || (whole & 1) == 1));
    return up ? whole + 1 : whole;
  }
}
