package io.github.jbatchnorm.kernel;

/** The type of a tensor's elements: IEEE 754 binary32 or binary64. */
public enum DType {
  /** 32-bit floating point, Java's {@code float}. */
  F32(Float.BYTES, 0),
  /** 64-bit floating point, Java's {@code double}. */
  F64(Double.BYTES, 1);

  private final int bytes;

  /** The C ABI's number. */
  final int code;

  DType(int bytes, int code) {
    this.bytes = bytes;
    this.code = code;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /**
   * Returns the dtype that holds the values of both, as NumPy promotes them: f64 if either is f64.
   */
  public static DType promote(DType a, DType b) {
    return a == F64 || b == F64 ? F64 : F32;
  }
}
