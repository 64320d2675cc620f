package io.github.jbatchnorm.memory;

/** Elements of 16 bits: as doubles, which is exact, and back, rounded once, ties to even. */
final class Halves {
  private static final long EXPONENT = 0x7ff0000000000000L;
  private static final long SIGN = Long.MIN_VALUE;
  private static final int FRACTION_BITS = 52;

  /** An exponent past which adding would overflow; both types are infinite long before. */
  private static final int LARGE = 200;

  private Halves() {}

  /** Smallest normal number of binary16, as the bits of a float. */
  private static final int LEAST_F16 = 113 << 23;

  /** 2^16, past what binary16 holds, likewise. */
  private static final int PAST_F16 = 143 << 23;

  private static final int INFINITY = 0x7f800000;

  static double widen(short bits, DType dtype) {
    return dtype == DType.BF16
        ? Float.intBitsToFloat(bits << 16)
        : widenF16(Short.toUnsignedInt(bits));
  }

  private static float widenF16(int bits) {
    int rest = bits & 0x7fff;
    float value =
        rest >= 0x7c00
            ? Float.intBitsToFloat(0x7f800000 | ((rest & 0x3ff) << 13))
            : rest >= 0x400 ? Float.intBitsToFloat((rest << 13) + (112 << 23)) : rest * 0x1p-24f;
    return bits == rest ? value : -value;
  }

  static void widen(DType dtype, short[] from, float[] into, int count) {
    if (dtype == DType.BF16) {
      for (int i = 0; i < count; i++) {
        into[i] = Float.intBitsToFloat(from[i] << 16);
      }
    } else {
      for (int i = 0; i < count; i++) {
        into[i] = widenF16(Short.toUnsignedInt(from[i]));
      }
    }
  }

  static void narrow(DType dtype, float[] from, short[] into, int count) {
    if (dtype == DType.BF16) {
      for (int i = 0; i < count; i++) {
        into[i] = toBf16(Float.floatToRawIntBits(from[i]));
      }
    } else {
      for (int i = 0; i < count; i++) {
        into[i] = toF16(Float.floatToRawIntBits(from[i]));
      }
    }
  }

  /** Half of the last bit that stays is added, less a little unless that bit is odd. */
  private static short toBf16(int bits) {
    boolean isNaN = (bits & 0x7fffffff) > INFINITY;
    return (short) (isNaN ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  private static short toF16(int bits) {
    int rest = bits & 0x7fffffff;
    int half;
    if (rest >= PAST_F16) {
      half = rest > INFINITY ? 0x7e00 : 0x7c00;
    } else if (rest < LEAST_F16) { // beside 1/2 the last bit of a float is binary16's
      half = Float.floatToRawIntBits(Float.intBitsToFloat(rest) + 0.5f) - (126 << 23);
    } else {
      half = (rest - (112 << 23) + 0xfff + ((rest >>> 13) & 1)) >>> 13;
    }
    return (short) (((bits >>> 16) & 0x8000) | half);
  }

  static short narrow(double value, DType dtype) {
    float near = (float) value;
    if (near == value) {
      int bits = Float.floatToRawIntBits(near);
      return dtype == DType.BF16 ? toBf16(bits) : toF16(bits);
    }
    return dtype == DType.BF16
        ? (short) (Float.floatToRawIntBits((float) rounded(value, 7, -126)) >>> 16)
        : narrowF16((float) rounded(value, 10, -14));
  }

  /** A float that has no more bits than binary16, or is past its range. */
  private static short narrowF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int rest = bits & 0x7fffffff;
    int half;
    if (rest > 0x7f800000) {
      half = 0x7e00;
    } else if (rest >= 0x47800000) {
      half = 0x7c00;
    } else if (rest >= 0x38800000) {
      half = (rest - (112 << 23)) >> 13;
    } else {
      half = (int) (Float.intBitsToFloat(rest) * 0x1p24f);
    }
    return (short) (((bits >>> 16) & 0x8000) | half);
  }

  /**
   * Rounds to so many bits of fraction, with {@code lowest} the smallest normal exponent: adds and
   * takes away a number so large that a double ends where the type does.
   */
  private static double rounded(double value, int fraction, int lowest) {
    long bits = Double.doubleToRawLongBits(value);
    long exponent = Math.max(bits & EXPONENT, exponent(lowest));
    exponent = Math.min(exponent, exponent(LARGE));
    double large =
        Double.longBitsToDouble(
            (exponent + ((long) (FRACTION_BITS - fraction) << FRACTION_BITS))
                | (1L << (FRACTION_BITS - 1)));
    double rounded = value + large - large;
    return Double.longBitsToDouble(Double.doubleToRawLongBits(rounded) | (bits & SIGN));
  }

  private static long exponent(int exponent) {
    return (long) (Double.MAX_EXPONENT + exponent) << FRACTION_BITS;
  }
}
