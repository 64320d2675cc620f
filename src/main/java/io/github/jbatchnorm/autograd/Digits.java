package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.DType;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** How the numbers of one array are written: all with a point in its place, or an exponent. */
final class Digits {
  private static final int MOST_DIGITS = 17;
  private static final int MOST_AFTER_POINT = 8;
  private static final double LARGE = 1e8;
  private static final double SMALL = 1e-4;
  private static final double WIDE = 1000;

  private final DType dtype;
  private final boolean exponent;
  private int before; // characters before the point, a sign included
  private int after; // digits after the point
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
    exponent = most > 0 && (most >= LARGE || least < SMALL || most / least > WIDE);
    for (double value : values) {
      if (Double.isFinite(value)) {
        String plain = plain(value, exponent);
        int end = exponent ? plain.indexOf('e') : plain.length();
        before = Math.max(before, plain.indexOf('.'));
        after = Math.max(after, end - plain.indexOf('.') - 1);
      }
    }
    for (double value : values) {
      width = Math.max(width, padded(value).length());
    }
  }

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
    String plain = plain(value, exponent);
    int point = plain.indexOf('.');
    int end = exponent ? plain.indexOf('e') : plain.length();
    String fill = (exponent ? "0" : " ").repeat(after - (end - point - 1));
    return " ".repeat(before - point) + plain.substring(0, end) + fill + plain.substring(end);
  }

  private String plain(double value, boolean withExponent) {
    BigDecimal shortest = shortest(value);
    String sign = value < 0 || 1 / value < 0 ? "-" : "";
    if (!withExponent) {
      BigDecimal fixed = shortest.abs().setScale(MOST_AFTER_POINT, RoundingMode.HALF_EVEN);
      String text = fixed.stripTrailingZeros().toPlainString();
      return sign + (text.indexOf('.') < 0 ? text + "." : text);
    }
    BigDecimal digits =
        shortest.abs().round(new MathContext(MOST_AFTER_POINT + 1)).stripTrailingZeros();
    int power = value == 0 ? 0 : digits.precision() - digits.scale() - 1;
    String all = digits.unscaledValue().toString();
    return "%s%s.%se%s%02d"
        .formatted(sign, all.charAt(0), all.substring(1), power < 0 ? "-" : "+", Math.abs(power));
  }

  /** Returns the number with the fewest digits that is read as this one. */
  private BigDecimal shortest(double value) {
    if (value == 0) {
      return BigDecimal.ZERO;
    }
    BigDecimal exact = new BigDecimal(value);
    for (int precision = 1; precision < MOST_DIGITS; precision++) {
      BigDecimal rounded = exact.round(new MathContext(precision, RoundingMode.HALF_EVEN));
      boolean same =
          dtype == DType.F64
              ? rounded.doubleValue() == value
              : rounded.floatValue() == (float) value;
      if (same) {
        return rounded;
      }
    }
    return exact.round(new MathContext(MOST_DIGITS, RoundingMode.HALF_EVEN));
  }
}
