package io.github.jbatchnorm.kernel;

/**
 * The arithmetic that the plain-Java kernel's maps share. Elements of 32 and 16 bits are mapped in
 * float with fused multiply-adds, around the mean rounded to a float; a channel is wild, and mapped
 * in double, where a coefficient or an intermediate result would leave the range of floats.
 */
final class JavaFloats {
  private static final double LEAST_FACTOR = 0x1p-126;
  private static final double MOST_FACTOR = 0x1p100;
  private static final double MOST_TERM = 0x1p120;

  private JavaFloats() {}

  static boolean isWildCentre(double mean) {
    return Math.abs(mean) > MOST_FACTOR;
  }

  static boolean isWildFactor(double factor) {
    double size = Math.abs(factor);
    return size > MOST_FACTOR || (size > 0 && size < LEAST_FACTOR);
  }

  static boolean isWildTerm(double term) {
    return Math.abs(term) > MOST_TERM;
  }

  /**
   * Returns a term of a map around the float nearest the mean: what that leaves of the mean goes
   * into it, with the rounded factor.
   */
  static double around(double term, float centre, double mean, double meanLow, float factor) {
    double rest = (centre - mean) - meanLow;
    return rest == 0 ? term : term + rest * factor;
  }

  /** A weight as a float; one that counts does not become 0. */
  static float weight(double weight) {
    float rounded = (float) weight;
    return rounded == 0 && weight > 0 ? Float.MIN_VALUE : rounded;
  }

  /**
   * The tail and its derivative: {@code value} where {@code sign} is above 0 or NaN, else slope
   * times it. A slope of 0 gives +0, whatever the value.
   */
  static double bend(double sign, double value, double slope) {
    return !(sign <= 0) ? value : slope == 0 ? 0 : value * slope + 0.0;
  }

  /** The same of floats. */
  static float bend(float sign, float value, float slope) {
    return !(sign <= 0) ? value : slope == 0 ? 0 : value * slope + 0f;
  }
}
