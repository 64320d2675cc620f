package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.memory.DType;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * How the numbers of one array are written, all with a point in its place or all with an exponent,
 * as NumPy 2.4 does: the fewest digits that tell a number from its neighbours, but at most 8 after
 * the point, where the exact number is rounded.
 */
final class Digits {
  private static final int MOST_DIGITS = 17;
  private static final int MOST_AFTER_POINT = 8;
  private static final double SMALL = 1e-4;
  private static final double WIDE = 1000;

  private final DType dtype;
  private final boolean exponent;
  private int before; // characters before the point, a sign included
  private int after; // digits after the point
  private int ofExponent = 2; // digits
  private int width;

  Digits(double[] values, DType dtype) {
    this.dtype = dtype;
    double most = 0;
    double least = Double.POSITIVE_INFINITY;
    for (double value : values) {
      if (value != 0 && Double.isFinite(value)) {
        most = Math.max(most, Math.abs(value));
        least = Math.min(least, Math.abs(value));
      }
    }
    exponent =
        most > 0
            && (most >= large(dtype)
                || least < dtype.round(SMALL)
                || dtype.round(most / least) > WIDE);
    for (double value : values) {
      if (Double.isFinite(value)) {
        Parts parts = parts(value, 0);
        before = Math.max(before, parts.whole.length());
        after = Math.max(after, parts.fraction.length());
        ofExponent = Math.max(ofExponent, Integer.toString(Math.abs(parts.power)).length());
      }
    }
    for (double value : values) {
      width = Math.max(width, padded(value).length());
    }
  }

  /** From here on numbers have exponents. */
  private static double large(DType dtype) {
    return switch (dtype) {
      case F64 -> 1e8;
      case F32 -> 1e6;
      case F16 -> 1e3;
      case BF16 -> 1e2;
    };
  }

  /** The parts of a number's text; the power of ten is 0 where none is written. */
  private record Parts(String whole, String fraction, int power) {}

  /** Returns the text of one of the values, as long as those of the others. */
  String text(double value) {
    String padded = padded(value);
    return " ".repeat(width - padded.length()) + padded;
  }

  private String padded(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    Parts parts = parts(value, exponent ? after : 0);
    String text = " ".repeat(before - parts.whole.length()) + parts.whole + '.' + parts.fraction;
    if (!exponent) {
      return text + " ".repeat(after - parts.fraction.length());
    }
    String power = Integer.toString(Math.abs(parts.power));
    return text + (parts.power < 0 ? "e-" : "e+") + "0".repeat(ofExponent - power.length()) + power;
  }

  /** Returns the parts, with at least so many digits after the point: true ones, not zeros. */
  private Parts parts(double value, int least) {
    String sign = value < 0 || 1 / value < 0 ? "-" : "";
    BigDecimal exact = new BigDecimal(Math.abs(value));
    BigDecimal shortest = shortest(exact, value);
    if (!exponent) {
      BigDecimal fixed = shortest.scale() > MOST_AFTER_POINT ? exact : shortest;
      String text = strip(fixed.setScale(MOST_AFTER_POINT, RoundingMode.HALF_EVEN).toPlainString());
      int point = text.indexOf('.');
      return new Parts(sign + text.substring(0, point), text.substring(point + 1), 0);
    }
    int precision = shortest.stripTrailingZeros().precision();
    int wanted = Math.min(Math.max(precision, least + 1), MOST_AFTER_POINT + 1);
    BigDecimal from = wanted == precision ? shortest : exact;
    BigDecimal rounded = from.round(new MathContext(wanted, RoundingMode.HALF_EVEN));
    int power = value == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
    String digits = strip('.' + rounded.unscaledValue().toString()).substring(1);
    String all = digits + "0".repeat(Math.max(0, least + 1 - digits.length()));
    return new Parts(sign + all.charAt(0), all.substring(1), power);
  }

  /** Returns the text without zeros at the end of its fraction. */
  private static String strip(String text) {
    int end = text.length();
    while (text.charAt(end - 1) == '0' && text.indexOf('.') < end - 1 && end > 2) {
      end--;
    }
    return text.substring(0, end);
  }

  /** Returns the number with the fewest digits that is read as this one. */
  private BigDecimal shortest(BigDecimal exact, double value) {
    if (value == 0) {
      return BigDecimal.ZERO;
    }
    for (int precision = 1; precision < MOST_DIGITS; precision++) {
      BigDecimal rounded = exact.round(new MathContext(precision, RoundingMode.HALF_EVEN));
      double read = dtype == DType.F32 ? rounded.floatValue() : dtype.round(rounded.doubleValue());
      if (read == Math.abs(value)) {
        return rounded;
      }
    }
    return exact.round(new MathContext(MOST_DIGITS, RoundingMode.HALF_EVEN));
  }
}
