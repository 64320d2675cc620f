package io.github.jbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Objects;
import org.bytedeco.javacpp.Pointer;

/**
 * A run of off-heap elements of one dtype: the memory of a tensor.
 *
 * <p>Memory that {@link #allocate} returns is zero-filled and 64-byte aligned, and goes when the
 * last reference to it does. At most 2<sup>31</sup>-1 bytes, the limit of Java's buffers.
 * Concurrent reads are safe; a write beside any other access needs the caller's own ordering.
 */
public final class Storage {
  private static final int ALIGNMENT = 64;

  private final DType dtype;
  private final ByteBuffer bytes;
  private final FloatBuffer floats;
  private final DoubleBuffer doubles;
  private final ShortBuffer shorts;
  private final int length;

  /** The native address of element 0, found at its first use; 0 before. */
  private long address;

  private Storage(DType dtype, ByteBuffer bytes) {
    this.dtype = dtype;
    this.bytes = bytes;
    this.floats = bytes.asFloatBuffer();
    this.doubles = bytes.asDoubleBuffer();
    this.shorts = bytes.asShortBuffer();
    this.length = bytes.capacity() / dtype.bytes();
  }

  /**
   * Returns new zero-filled memory, 64-byte aligned.
   *
   * @param dtype the type of the elements
   * @param length the number of elements, 0 or more
   * @throws IllegalArgumentException if length is negative or its bytes exceed 2<sup>31</sup>-1
   */
  public static Storage allocate(DType dtype, long length) {
    long size = length * dtype.bytes();
    if (length < 0 || length > Integer.MAX_VALUE || size > Integer.MAX_VALUE - ALIGNMENT) {
      throw new IllegalArgumentException(
          "length: expected 0 to %d %s elements (2 GiB), got %d"
              .formatted((Integer.MAX_VALUE - ALIGNMENT) / dtype.bytes(), dtype, length));
    }
    ByteBuffer block = ByteBuffer.allocateDirect((int) size + ALIGNMENT - 1);
    int start = block.alignmentOffset(0, ALIGNMENT);
    int skip = start == 0 ? 0 : ALIGNMENT - start;
    return new Storage(dtype, block.slice(skip, (int) size).order(ByteOrder.nativeOrder()));
  }

  /**
   * Returns the elements of a direct buffer, in place: what is written through one is seen through
   * the other. The buffer's position and limit choose the part.
   *
   * @param dtype the type of the elements
   * @param buffer a direct buffer in native byte order, aligned to the dtype's size
   * @throws IllegalArgumentException if the buffer is not direct, not in native order, not aligned,
   *     or holds no whole number of elements
   */
  public static Storage wrap(DType dtype, ByteBuffer buffer) {
    if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "buffer: expected a direct buffer in native byte order, got " + buffer);
    }
    if (buffer.remaining() % dtype.bytes() != 0
        || buffer.alignmentOffset(buffer.position(), dtype.bytes()) != 0) {
      throw new IllegalArgumentException(
          "buffer: expected whole, aligned %s elements, got %s".formatted(dtype, buffer));
    }
    return new Storage(dtype, buffer.slice().order(ByteOrder.nativeOrder()));
  }

  /** Returns the native address of element 0; valid as long as this is reachable. */
  long address() {
    if (address == 0) {
      address = new Pointer(bytes).address();
    }
    return address;
  }

  /**
   * Returns {@code length} elements from {@code from} on, in place.
   *
   * @throws IndexOutOfBoundsException if they do not lie within this
   */
  public Storage slice(int from, int length) {
    Objects.checkFromIndexSize(from, length, this.length);
    ByteBuffer part = bytes.slice(from * dtype.bytes(), length * dtype.bytes());
    return new Storage(dtype, part.order(ByteOrder.nativeOrder()));
  }

  /** Returns the type of the elements. */
  public DType dtype() {
    return dtype;
  }

  /** Returns the number of elements. */
  public int length() {
    return length;
  }

  /** Returns element {@code index}, widened to double. */
  public double get(int index) {
    return switch (dtype) {
      case F32 -> floats.get(index);
      case F64 -> doubles.get(index);
      case BF16, F16 -> Halves.widen(shorts.get(index), dtype);
    };
  }

  /** Sets element {@code index} to {@code value}, rounded to the dtype (nearest, ties to even). */
  public void set(int index, double value) {
    switch (dtype) {
      case F32 -> floats.put(index, (float) value);
      case F64 -> doubles.put(index, value);
      case BF16, F16 -> shorts.put(index, Halves.narrow(value, dtype));
    }
  }

  /**
   * Reads {@code count} elements from {@code from} on into {@code into} at {@code at}, widening.
   *
   * @throws IndexOutOfBoundsException if either range does not fit
   */
  public void read(int from, double[] into, int at, int count) {
    if (dtype == DType.F64) {
      doubles.get(from, into, at, count);
      return;
    }
    if (dtype != DType.F32) {
      for (int i = 0; i < count; i++) {
        into[at + i] = Halves.widen(shorts.get(from + i), dtype);
      }
      return;
    }
    float[] part = new float[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += part.length) {
      int n = Math.min(part.length, count - done);
      floats.get(from + done, part, 0, n);
      for (int i = 0; i < n; i++) {
        into[at + done + i] = part[i];
      }
    }
  }

  /**
   * Writes {@code count} elements of {@code values} from {@code at} on to {@code to}, rounding to
   * the dtype.
   *
   * @throws IndexOutOfBoundsException if either range does not fit
   */
  public void write(int to, double[] values, int at, int count) {
    if (dtype == DType.F64) {
      doubles.put(to, values, at, count);
      return;
    }
    if (dtype != DType.F32) {
      for (int i = 0; i < count; i++) {
        shorts.put(to + i, Halves.narrow(values[at + i], dtype));
      }
      return;
    }
    float[] part = new float[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += part.length) {
      int n = Math.min(part.length, count - done);
      for (int i = 0; i < n; i++) {
        part[i] = (float) values[at + done + i];
      }
      floats.put(to + done, part, 0, n);
    }
  }

  /** Elements converted at a time: small enough for the first-level cache. */
  private static final int CHUNK = 1024;

  /** Copies every element of {@code source}, which has this length and dtype, into this. */
  public void copyFrom(Storage source) {
    if (source.length != length || source.dtype != dtype) {
      throw new IllegalArgumentException(
          "source: expected %d %s elements, got %d %s"
              .formatted(length, dtype, source.length, source.dtype));
    }
    bytes.put(0, source.bytes, 0, bytes.capacity());
  }

  /**
   * Copies this many elements of an array on the heap, from {@code offset} on, into this: f32.
   *
   * @throws IllegalStateException if the dtype is not f32
   * @throws IndexOutOfBoundsException if the array is too short
   */
  public void copyFrom(float[] source, int offset) {
    require(DType.F32);
    floats.put(0, source, offset, length);
  }

  /** As {@link #copyFrom(float[], int)}, of f64. */
  public void copyFrom(double[] source, int offset) {
    require(DType.F64);
    doubles.put(0, source, offset, length);
  }

  /**
   * Copies every element to an array on the heap, from {@code offset} on: f32.
   *
   * @throws IllegalStateException if the dtype is not f32
   * @throws IndexOutOfBoundsException if the array is too short
   */
  public void copyTo(float[] target, int offset) {
    require(DType.F32);
    floats.get(0, target, offset, length);
  }

  /** As {@link #copyTo(float[], int)}, of f64. */
  public void copyTo(double[] target, int offset) {
    require(DType.F64);
    doubles.get(0, target, offset, length);
  }

  /** Returns a view of the bytes in native order, from element 0 on, with a position of its own. */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.nativeOrder());
  }

  /**
   * Returns a view of the elements as floats, with a position of its own.
   *
   * @throws IllegalStateException if the dtype is not f32
   */
  public FloatBuffer floats() {
    require(DType.F32);
    return floats.duplicate();
  }

  /**
   * Returns a view of the elements as doubles, with a position of its own.
   *
   * @throws IllegalStateException if the dtype is not f64
   */
  public DoubleBuffer doubles() {
    require(DType.F64);
    return doubles.duplicate();
  }

  private void require(DType wanted) {
    if (dtype != wanted) {
      throw new IllegalStateException("storage holds %s, asked for %s".formatted(dtype, wanted));
    }
  }
}
