package io.github.jbatchnorm.arrays;

/**
 * exp, log and their kin in f64: operation by operation what native/src/exponential.hpp does, so
 * that vectors there give the bits of Java. docs/numerics.md says how they come about and how exact
 * they are.
 */
final class Exponentials {
  private static final double LOG2_E = 0x1.71547652b82fep0;
  private static final double LN2_HIGH = 0x1.62e42feep-1; // ln 2, of 32 bits
  private static final double LN2_LOW = 0x1.a39ef35793c76p-33;
  private static final double TO_INTEGER = 0x1.8p52; // leaves an integer in the low bits
  private static final double OVERFLOW = 0x1.62e42fefa39efp9;
  private static final double UNDERFLOW = -0x1.74910d52d3052p9;
  private static final long ROOT_OF_HALF = 0x3fe6a09e667f3bcdL;
  private static final long BIAS = 2048;

  private Exponentials() {}

  private static double powerOfTwo(double shifted) {
    return Double.longBitsToDouble((Double.doubleToRawLongBits(shifted) + 1023) << 52);
  }

  private static double multiple(double x) {
    return x * LOG2_E + TO_INTEGER - TO_INTEGER;
  }

  /** Returns r, where x = k ln 2 + r + a small rest. */
  private static double reduced(double x, double k) {
    return x - k * LN2_HIGH - k * LN2_LOW;
  }

  /** Returns exp(r and its rest) - 1 - r. */
  private static double rest(double x, double k, double r) {
    double high = x - k * LN2_HIGH;
    double low = k * LN2_LOW;
    double q = 1.0 / 6227020800.0; // Taylor's series to r^13 / 13!
    q = q * r + 1.0 / 479001600;
    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 0.5;
    return r * r * q + ((high - r) - low);
  }

  private static double scaled(double k, double r, double rest) {
    double half = k * 0.5 + TO_INTEGER;
    double first = half - TO_INTEGER;
    double y = 1 + (r + rest);
    return y * powerOfTwo(half) * powerOfTwo(k - first + TO_INTEGER);
  }

  /** Returns e to the power of x. */
  static double exp(double x) {
    if (x > OVERFLOW) {
      return Double.POSITIVE_INFINITY;
    }
    if (x < UNDERFLOW || Double.isNaN(x)) {
      return x < UNDERFLOW ? 0 : x;
    }
    double k = multiple(x);
    double r = reduced(x, k);
    return scaled(k, r, rest(x, k, r));
  }

  /** Returns exp(x) - 1, exact near 0. */
  static double expm1(double x) {
    if (x > OVERFLOW || Double.isNaN(x) || x == 0) {
      return x > OVERFLOW ? Double.POSITIVE_INFINITY : x;
    }
    double within = Math.max(x, -60);
    double k = multiple(within);
    double r = reduced(within, k);
    double rest = rest(within, k, r);
    if (x > 708) {
      return scaled(k, r, rest);
    }
    double power = powerOfTwo(k + TO_INTEGER);
    double head = power - 1;
    double tail = power * r;
    double sum = head + tail;
    double part = sum - head;
    double error = (head - (sum - part)) + (tail - part);
    return sum + (error + power * rest);
  }

  /** Returns log(u + low), for a normal u above 0 and a small low. */
  private static double logOfSum(double u, double low, double kBefore) {
    long bits = Double.doubleToRawLongBits(u);
    long biased = (bits - ROOT_OF_HALF + (BIAS << 52)) >>> 52;
    double k = biased - BIAS + kBefore;
    double f = Double.longBitsToDouble(bits - (biased << 52) + (BIAS << 52)) - 1;
    double s = f / (2 + f);
    double z = s * s;
    double q = 2.0 / 25; // 2 atanh(s) = s (2 + z (2 / 3 + z (2 / 5 + ...)))
    q = q * z + 2.0 / 23;
    q = q * z + 2.0 / 21;
    q = q * z + 2.0 / 19;
    q = q * z + 2.0 / 17;
    q = q * z + 2.0 / 15;
    q = q * z + 2.0 / 13;
    q = q * z + 2.0 / 11;
    q = q * z + 2.0 / 9;
    q = q * z + 2.0 / 7;
    q = q * z + 2.0 / 5;
    q = q * z + 2.0 / 3;
    double half = 0.5 * f * f;
    double rest = s * (half + z * q) + (k * LN2_LOW + low / u);
    return k * LN2_HIGH - ((half - rest) - f);
  }

  /** Returns the natural logarithm. */
  static double log(double x) {
    if (!(x > 0 && x < Double.POSITIVE_INFINITY)) {
      return x == 0 ? Double.NEGATIVE_INFINITY : x > 0 ? x : Double.NaN;
    }
    return x < Double.MIN_NORMAL ? logOfSum(x * 0x1p54, 0, -54) : logOfSum(x, 0, 0);
  }

  /** Returns log(1 + x), exact near 0. */
  static double log1p(double x) {
    if (x == 0 || !(x > -1 && x < Double.POSITIVE_INFINITY)) {
      return x == 0 || x > 0 ? x : x == -1 ? Double.NEGATIVE_INFINITY : Double.NaN;
    }
    double u = 1 + x;
    double part = u - 1;
    return logOfSum(u, (1 - (u - part)) + (x - part), 0);
  }

  /** Returns the hyperbolic tangent. */
  static double tanh(double x) {
    if (Double.isNaN(x) || x == 0) {
      return x;
    }
    double t = expm1(2 * Math.min(Math.abs(x), 22));
    double y = t / (t + 2);
    return x < 0 ? -y : y;
  }

  /** Returns 1 / (1 + exp(-x)). */
  static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
  }
}
