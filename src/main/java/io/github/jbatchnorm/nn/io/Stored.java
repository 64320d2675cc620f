package io.github.jbatchnorm.nn.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One tensor of a file: type, shape and little-endian bytes. */
public final class Stored {
  /** The types of elements that are read and written. */
  public enum Type {
    /** 32-bit floating point. */
    F32(4, false),
    /** 64-bit floating point. */
    F64(8, false),
    /** 64-bit signed integer. */
    I64(8, true),
    /** bfloat16. */
    BF16(2, false),
    /** 16-bit floating point, IEEE 754 binary16. */
    F16(2, false),
    /** 8-bit signed integer. */
    I8(1, true),
    /** 16-bit signed integer. */
    I16(2, true),
    /** 32-bit signed integer. */
    I32(4, true),
    /** 8-bit unsigned integer. */
    U8(1, true),
    /** 16-bit unsigned integer. */
    U16(2, true),
    /** 32-bit unsigned integer. */
    U32(4, true),
    /** 64-bit unsigned integer. */
    U64(8, true),
    /** A byte that is 0 or 1. */
    BOOL(1, false);

    private final int bytes;
    private final boolean integer;

    Type(int bytes, boolean integer) {
      this.bytes = bytes;
      this.integer = integer;
    }

    /** {@return true for integers, signed or not; false for booleans too} */
    public boolean isInteger() {
      return integer;
    }

    /** {@return the size of one element in bytes} */
    public int bytes() {
      return bytes;
    }
  }

  /** The most axes of a tensor in a file: NumPy's limit before 2.0. */
  public static final int MOST_AXES = 32;

  private final Type type;
  private final int[] shape;
  private final ByteBuffer bytes;

  /**
   * Makes an entry.
   *
   * @param type the elements' type
   * @param shape the axes' sizes
   * @param bytes the elements, row-major, little-endian, from position to limit; not copied
   * @throws IllegalArgumentException if there are more than {@link #MOST_AXES} axes, one is
   *     negative, or the number of bytes is not the shape's
   */
  public Stored(Type type, int[] shape, ByteBuffer bytes) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(shape, "shape");
    Objects.requireNonNull(bytes, "bytes");
    long size = size(type, shape);
    if (bytes.remaining() != size) {
      throw new IllegalArgumentException(
          "bytes: expected %s for shape %s, got %s"
              .formatted(size, text(shape), bytes.remaining()));
    }
    this.type = type;
    this.shape = shape.clone();
    this.bytes = bytes.slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Returns the number of bytes of a shape.
   *
   * @throws IllegalArgumentException if it is no shape, or the product of its axes, but for those
   *     of 0, is past 2<sup>63</sup>-1 bytes
   */
  static long size(Type type, int... shape) {
    if (shape.length > MOST_AXES) {
      throw new IllegalArgumentException(
          "shape: expected at most %s axes, got %s".formatted(MOST_AXES, shape.length));
    }
    long product = type.bytes();
    boolean empty = false;
    for (int axis : shape) {
      if (axis < 0 || (axis > 0 && product > Long.MAX_VALUE / axis)) {
        throw new IllegalArgumentException(
            "shape: expected axes of 0 or more, and at most 2^63-1 bytes, got " + text(shape));
      }
      empty |= axis == 0;
      product *= Math.max(axis, 1);
    }
    return empty ? 0 : product;
  }

  /** Returns whether a shape, with no negative axis, takes at most 2 GiB, an array's limit. */
  static boolean fits(Type type, int... shape) {
    double size = type.bytes();
    for (int axis : shape) {
      size *= Math.max(axis, 1);
    }
    return size < 0x1p63 && size(type, shape) <= Integer.MAX_VALUE;
  }

  /**
   * {@return one integer without axes}
   *
   * @param value 0 or more
   */
  public static Stored count(long value) {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return new Stored(Type.I64, new int[0], bytes.putLong(value).flip());
  }

  /** {@return the elements' type} */
  public Type type() {
    return type;
  }

  /** {@return the axes' sizes} */
  public int[] shape() {
    return shape.clone();
  }

  /** {@return a view of the bytes, little-endian, that can be read} */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns whether the other has the same type, shape and bytes. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Stored stored
        && stored.type == type
        && Arrays.equals(stored.shape, shape)
        && stored.bytes.equals(bytes);
  }

  @Override
  public int hashCode() {
    return 31 * type.hashCode() + Arrays.hashCode(shape);
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
