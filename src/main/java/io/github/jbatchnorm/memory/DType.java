package io.github.jbatchnorm.memory;

/** The type of a tensor's elements. Whatever it is, the kernel computes in f64 and rounds once. */
public enum DType {
  /** IEEE 754 binary32, Java's {@code float}. */
  F32(Float.BYTES, 0),
  /** IEEE 754 binary64, Java's {@code double}. */
  F64(Double.BYTES, 1),
  /** bfloat16: the upper half of a binary32, 8 bits of precision. */
  BF16(Short.BYTES, 2),
  /** IEEE 754 binary16: 11 bits of precision, at most 65504. */
  F16(Short.BYTES, 3);

  private final int bytes;

  /** The C ABI's number. */
  final int code;

  DType(int bytes, int code) {
    this.bytes = bytes;
    this.code = code;
  }

  /** {@return the size of one element in bytes} */
  public int bytes() {
    return bytes;
  }

  /**
   * {@return the nearest value of this type, of two as near the even one}
   *
   * @param value any number
   */
  public double round(double value) {
    return switch (this) {
      case F64 -> value;
      case F32 -> (float) value;
      case BF16, F16 -> Halves.widen(Halves.narrow(value, this), this);
    };
  }

  /**
   * {@return the type of the parameters and statistics that go with data of this type: itself, or
   * f32 for the 16-bit types}
   */
  public DType parameters() {
    return this == F64 ? F64 : F32;
  }

  /**
   * {@return the dtype that holds the values of both, as NumPy promotes them: f64 if either is f64,
   * else f32 unless they are the same}
   *
   * @param a one type
   * @param b the other
   */
  public static DType promote(DType a, DType b) {
    if (a == b) {
      return a;
    }
    return a == F64 || b == F64 ? F64 : F32;
  }
}
