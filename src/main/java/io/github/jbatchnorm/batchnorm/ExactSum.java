package io.github.jbatchnorm.batchnorm;

import java.math.BigInteger;
import java.nio.ByteBuffer;

/**
 * A sum without rounding: an integer of as many bits as its terms can need (Kulisch and Miranker,
 * 1986), in digits of 32 bits whose carries wait in the upper halves (Neal, 2015). Bit 0 stands for
 * whatever power of two its user says.
 */
final class ExactSum {
  private static final int DIGIT = 32;
  private static final long MASK = (1L << DIGIT) - 1;

  private final long[] digits;

  ExactSum(int digits) {
    this.digits = new long[digits];
  }

  /**
   * Adds {@code magnitude} * 2<sup>bit</sup>, or subtracts it. A magnitude below 2<sup>n</sup> adds
   * less than 2<sup>n-1</sup> + 2<sup>32</sup> to a digit, which holds 2<sup>63</sup>: {@link
   * #carry} is called before that.
   *
   * @param magnitude 0 or more
   * @param bit 0 or more
   * @param sign 0, or -1 to subtract
   */
  void add(long magnitude, int bit, long sign) {
    int at = bit / DIGIT;
    int shift = bit % DIGIT;
    digits[at] += (((magnitude << shift) & MASK) ^ sign) - sign;
    digits[at + 1] += ((magnitude >>> (DIGIT - shift)) ^ sign) - sign;
  }

  /** Adds another sum, of as many digits; both have been carried. */
  void add(ExactSum other) {
    for (int i = 0; i < digits.length; i++) {
      digits[i] += other.digits[i];
    }
    carry();
  }

  /** Brings the digits to 0 to 2<sup>32</sup>-1, the last one, which has the sign, aside. */
  void carry() {
    for (int i = 0; i + 1 < digits.length; i++) {
      digits[i + 1] += digits[i] >> DIGIT;
      digits[i] &= MASK;
    }
  }

  /** Returns the integer; it has been carried. */
  BigInteger value() {
    ByteBuffer bytes = ByteBuffer.allocate(digits.length * Integer.BYTES);
    for (int i = digits.length - 1; i >= 0; i--) {
      bytes.putInt((int) digits[i]);
    }
    return new BigInteger(bytes.array());
  }

  /** Writes the digits, which have been carried. */
  void write(ByteBuffer bytes) {
    for (long digit : digits) {
      bytes.putInt((int) digit);
    }
  }

  /** Reads what {@link #write} wrote. */
  void read(ByteBuffer bytes) {
    for (int i = 0; i < digits.length; i++) {
      int digit = bytes.getInt();
      digits[i] = i + 1 < digits.length ? digit & MASK : digit;
    }
  }
}
