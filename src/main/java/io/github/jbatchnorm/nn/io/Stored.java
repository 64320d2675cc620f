package io.github.jbatchnorm.nn.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/** One tensor of a file: type, shape and little-endian bytes. */
public final class Stored {
  /** The types of elements that are read and written. */
  public enum Type {
    /** 32-bit floating point. */
    F32(4),
    /** 64-bit floating point. */
    F64(8),
    /** 64-bit signed integer. */
    I64(8),
    /** bfloat16. */
    BF16(2),
    /** 16-bit floating point, IEEE 754 binary16. */
    F16(2);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /** Returns the size of one element in bytes. */
    public int bytes() {
      return bytes;
    }
  }

  private final Type type;
  private final int[] shape;
  private final ByteBuffer bytes;

  /**
   * Makes an entry.
   *
   * @param type the elements' type
   * @param shape the axes' sizes
   * @param bytes the elements, row-major, little-endian, from position to limit; not copied
   * @throws IllegalArgumentException if the number of bytes is not the shape's
   */
  public Stored(Type type, int[] shape, ByteBuffer bytes) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(shape, "shape");
    Objects.requireNonNull(bytes, "bytes");
    long size = type.bytes();
    for (int axis : shape) {
      size = Math.multiplyExact(size, axis);
    }
    if (bytes.remaining() != size) {
      throw new IllegalArgumentException(
          "bytes: expected %d for shape %s, got %d"
              .formatted(size, text(shape), bytes.remaining()));
    }
    this.type = type;
    this.shape = shape.clone();
    this.bytes = bytes.slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns one integer without axes. */
  public static Stored count(long value) {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return new Stored(Type.I64, new int[0], bytes.putLong(value).flip());
  }

  /** Returns the elements' type. */
  public Type type() {
    return type;
  }

  /** Returns the axes' sizes. */
  public int[] shape() {
    return shape.clone();
  }

  /** Returns a view of the bytes, little-endian, that can be read. */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns type and shape, as in {@code F32(16, 3)}. */
  @Override
  public String toString() {
    return type + text(shape);
  }

  private static String text(int... shape) {
    return Arrays.stream(shape)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
