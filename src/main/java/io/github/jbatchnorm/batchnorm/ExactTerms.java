package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.memory.DType;
import java.math.BigInteger;
import java.nio.ByteBuffer;

/** The exact sums of x and of x^2 of one channel, of floats or of doubles, not both. */
final class ExactTerms {
  /** Bits beside those of one term: up to 2^63 terms, and the sign. */
  private static final int HEADROOM = 64;

  private static final int LOWEST_F32 = -149; // of 2
  private static final int LOWEST_F64 = -1074;
  private static final int BITS_F32 = 128 - LOWEST_F32;
  private static final int BITS_F64 = 1024 - LOWEST_F64;

  private static final int FRACTION_F32 = 23;
  private static final int EXPONENT_F32 = 0xff;
  private static final int FRACTION_F64 = 52;
  private static final int EXPONENT_F64 = 0x7ff;
  private static final int HALF = 26;

  /** Elements between carries: squares of floats are below 2^48, parts of doubles' below 2^54. */
  private static final int PENDING_F32 = 1 << 14;

  private static final int PENDING_F64 = 1 << 7;

  private static final byte NAN = 1;
  private static final byte INFINITY = 2;
  private static final byte MINUS_INFINITY = 4;

  private final int lowest;
  private final ExactSum sum;
  private final ExactSum squares;
  private final int mostPending;
  private int pending;

  /** Which values there were that are no numbers. */
  private byte others;

  ExactTerms(DType dtype) {
    int bits = dtype == DType.F64 ? BITS_F64 : BITS_F32;
    mostPending = dtype == DType.F64 ? PENDING_F64 : PENDING_F32;
    lowest = dtype == DType.F64 ? LOWEST_F64 : LOWEST_F32;
    sum = new ExactSum(digits(bits));
    squares = new ExactSum(digits(2 * bits));
  }

  /** Returns how many digits hold sums of terms of so many bits. */
  private static int digits(int bits) {
    return (bits + HEADROOM + Integer.SIZE - 1) / Integer.SIZE + 1;
  }

  void add(float x) {
    int bits = Float.floatToRawIntBits(x);
    int exponent = bits >>> FRACTION_F32 & EXPONENT_F32;
    if (exponent == EXPONENT_F32) {
      addOther(x);
      return;
    }
    // A denormal has the exponent 1, without the bit that others do not store.
    long magnitude = bits & ((1 << FRACTION_F32) - 1);
    magnitude |= exponent == 0 ? 0 : 1L << FRACTION_F32;
    int bit = Math.max(exponent, 1) - 1;
    sum.add(magnitude, bit, bits >> (Integer.SIZE - 1));
    squares.add(magnitude * magnitude, 2 * bit, 0);
    added();
  }

  void add(double x) {
    long bits = Double.doubleToRawLongBits(x);
    int exponent = (int) (bits >>> FRACTION_F64) & EXPONENT_F64;
    if (exponent == EXPONENT_F64) {
      addOther(x);
      return;
    }
    long magnitude = bits & ((1L << FRACTION_F64) - 1);
    magnitude |= exponent == 0 ? 0 : 1L << FRACTION_F64;
    int bit = Math.max(exponent, 1) - 1;
    sum.add(magnitude, bit, bits >> (Long.SIZE - 1));
    long high = magnitude >>> HALF;
    long low = magnitude & ((1L << HALF) - 1);
    squares.add(low * low, 2 * bit, 0);
    squares.add(2 * high * low, 2 * bit + HALF, 0);
    squares.add(high * high, 2 * bit + 2 * HALF, 0);
    added();
  }

  private void addOther(double x) {
    others |= Double.isNaN(x) ? NAN : x > 0 ? INFINITY : MINUS_INFINITY;
  }

  private void added() {
    pending++;
    if (pending == mostPending) {
      carry();
    }
  }

  void carry() {
    sum.carry();
    squares.carry();
    pending = 0;
  }

  void merge(ExactTerms other) {
    sum.add(other.sum);
    squares.add(other.squares);
    others |= other.others;
  }

  double mean(long count, DType to) {
    return switch (others) {
      case 0 -> Quotient.rounded(sum.value(), BigInteger.valueOf(count), lowest, to);
      case INFINITY -> Double.POSITIVE_INFINITY;
      case MINUS_INFINITY -> Double.NEGATIVE_INFINITY;
      default -> Double.NaN;
    };
  }

  /** Returns sum((x - mean)^2) / divisor = (count sum(x^2) - sum(x)^2) / (count divisor). */
  double var(long count, long divisor, DType to) {
    if (others != 0) {
      return Double.NaN;
    }
    BigInteger m = BigInteger.valueOf(count);
    BigInteger numerator = m.multiply(squares.value()).subtract(sum.value().pow(2));
    return Quotient.rounded(numerator, m.multiply(BigInteger.valueOf(divisor)), 2 * lowest, to);
  }

  static int bytes(DType dtype) {
    int bits = dtype == DType.F64 ? BITS_F64 : BITS_F32;
    return Byte.BYTES + (digits(bits) + digits(2 * bits)) * Integer.BYTES;
  }

  void write(ByteBuffer bytes) {
    bytes.put(others);
    sum.write(bytes);
    squares.write(bytes);
  }

  void read(ByteBuffer bytes) {
    others = bytes.get();
    sum.read(bytes);
    squares.read(bytes);
  }
}
