package io.github.jbatchnorm.memory;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.Objects;
import java.util.function.IntFunction;

/**
 * A run of off-heap elements of one dtype: the memory of a tensor.
 *
 * <p>Memory comes from a pool and is 64-byte aligned. It goes back when the last reference to it is
 * dropped, or with the {@link MemoryScope} that it was allocated in, after which each use throws
 * IllegalStateException. At most 2<sup>31</sup>-1 bytes, the limit of Java's buffers. Concurrent
 * reads are safe; a write beside any other access needs the caller's own ordering.
 */
@SuppressWarnings("ReachabilityFenceUsage") // no finally: what throws has nothing more to touch
public final class Storage implements StoredElements {
  private final DType dtype;
  private final Memory memory;
  private final int from; // in elements
  private final int length;

  private Storage(DType dtype, Memory memory, int from, int length) {
    this.dtype = dtype;
    this.memory = memory;
    this.from = from;
    this.length = length;
  }

  /**
   * {@return zero-filled memory}
   *
   * @param dtype the type of the elements
   * @param length the number of elements, 0 or more
   * @throws IllegalArgumentException if length is negative or its bytes exceed 2<sup>31</sup>-1
   * @throws MemoryLimitException if it does not fit below the limit, {@link MemoryUse#limit}
   */
  public static Storage allocate(DType dtype, long length) {
    Storage storage = uninitialized(dtype, length);
    Elements.clear(storage.memory.block(), storage.length * dtype.bytes());
    return storage;
  }

  /**
   * As {@link #allocate}, but of undefined content: for those who write every element.
   *
   * @param dtype the type of the elements
   * @param length how many elements
   * @return the storage
   */
  public static Storage uninitialized(DType dtype, long length) {
    return of(dtype, length, MemoryScope::lease);
  }

  /**
   * As {@link #uninitialized}, of no scope: for who gives it back by {@link #close}.
   *
   * @param dtype the type of the elements
   * @param length how many elements
   * @return the storage
   */
  public static Storage scratch(DType dtype, long length) {
    return of(dtype, length, bytes -> MemoryPool.shared().lease(bytes, "scratch"));
  }

  private static Storage of(DType dtype, long length, IntFunction<Memory> lease) {
    long size = length * dtype.bytes();
    if (length < 0 || length > Integer.MAX_VALUE || size > Integer.MAX_VALUE - Block.ALIGNMENT) {
      throw new IllegalArgumentException(
          "length: expected 0 to %s %s elements (2 GiB), got %s"
              .formatted((Integer.MAX_VALUE - Block.ALIGNMENT) / dtype.bytes(), dtype, length));
    }
    return new Storage(dtype, lease.apply((int) size), 0, (int) length);
  }

  /**
   * {@return the elements of a direct buffer, in place: what is written through one is seen through
   * the other} The buffer's position and limit choose the part.
   *
   * <p>The memory has to last until every call that uses it has returned. That the arena of a
   * MemorySegment was closed is found when a call begins, an IllegalStateException, but not while
   * it runs. That a mapped file was cut short is not found at all: the system then ends the
   * process, so map what no one truncates.
   *
   * @param dtype the type of the elements
   * @param buffer a direct buffer in native byte order, aligned to the dtype's size
   * @throws IllegalArgumentException if the buffer is not direct, read-only, not in native order,
   *     not aligned, or holds no whole number of elements
   */
  public static Storage wrap(DType dtype, ByteBuffer buffer) {
    if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "buffer: expected a direct buffer in native byte order, got " + buffer);
    }
    if (buffer.isReadOnly()) {
      throw new IllegalArgumentException(
          "buffer: expected a writable one (of a file, MapMode.PRIVATE), got " + buffer);
    }
    ByteBuffer part = buffer.slice().order(ByteOrder.nativeOrder()); // others may move the limit
    if (part.capacity() % dtype.bytes() != 0 || part.alignmentOffset(0, dtype.bytes()) != 0) {
      throw new IllegalArgumentException(
          "buffer: expected whole, aligned %s elements, got %s".formatted(dtype, part));
    }
    Memory memory = Memory.wrapped(new Block(part));
    return new Storage(dtype, memory, 0, part.capacity() / dtype.bytes());
  }

  /** Returns where this begins in the memory, in elements. */
  int from() {
    return from;
  }

  /** Returns the native address of element 0; valid as long as the block is reachable. */
  long address() {
    return memory.block().address() + (long) from * dtype.bytes();
  }

  /** Where the other begins, in bytes from here. */
  private long distance(Storage other) {
    return memory == other.memory
        ? (long) (other.from - from) * dtype.bytes()
        : other.address() - address();
  }

  /**
   * {@return whether any byte is both this one's and the other's}
   *
   * @param other what it is compared with
   */
  public boolean overlaps(Storage other) {
    if (memory != other.memory && !memory.isWrapped() && !other.memory.isWrapped()) {
      return false;
    }
    long distance = distance(other);
    return distance < (long) length * dtype.bytes()
        && -distance < (long) other.length * other.dtype.bytes()
        && length > 0
        && other.length > 0;
  }

  /**
   * {@return whether this begins where the other, which it overlaps, does}
   *
   * @param other what it is compared with
   */
  public boolean coincides(Storage other) {
    return distance(other) == 0;
  }

  /** Gives the memory back at once; later use, of slices too, throws. */
  public void close() {
    memory.close();
  }

  /**
   * Checks that this may be used.
   *
   * @throws IllegalStateException if its scope, or the arena of a user's memory, was closed
   */
  public void checkOpen() {
    memory.block();
  }

  /** Returns what this and its slices share. */
  Memory memory() {
    return memory;
  }

  /**
   * {@return {@code length} elements from {@code from} on, in place}
   *
   * @param from the first element
   * @param length how many elements
   * @throws IndexOutOfBoundsException if they do not lie within this
   */
  public Storage slice(int from, int length) {
    Objects.checkFromIndexSize(from, length, this.length);
    return new Storage(dtype, memory, this.from + from, length);
  }

  /** {@return the type of the elements} */
  public DType dtype() {
    return dtype;
  }

  /** {@return the number of elements} */
  public int length() {
    return length;
  }

  /**
   * Copies every element of {@code source}, which has this length and dtype, into this.
   *
   * @param source where they come from
   */
  public void copyFrom(Storage source) {
    if (source.length != length || source.dtype != dtype) {
      throw new IllegalArgumentException(
          "source: expected %s %s elements, got %s %s"
              .formatted(length, dtype, source.length, source.dtype));
    }
    copy(source, 0, 0, length);
  }

  /**
   * Copies {@code count} elements of {@code source}, of this dtype, from {@code sourceFrom} on to
   * {@code to}.
   *
   * @param source where they come from
   * @param sourceFrom the first element there
   * @param to the first element to write
   * @param count how many
   * @throws IllegalArgumentException if the dtypes differ
   * @throws IndexOutOfBoundsException if either range does not fit
   */
  public void copy(Storage source, int sourceFrom, int to, int count) {
    if (source.dtype != dtype) {
      throw new IllegalArgumentException(
          "source: expected dtype %s, got %s".formatted(dtype, source.dtype));
    }
    int width = dtype.bytes();
    int first = Objects.checkFromIndexSize(sourceFrom, count, source.length) + source.from;
    int target = Objects.checkFromIndexSize(to, count, length) + from;
    ByteBuffer into = memory.block().bytes;
    into.put(target * width, source.memory.block().bytes, first * width, count * width);
    Reference.reachabilityFence(memory);
    Reference.reachabilityFence(source.memory);
  }

  /**
   * {@return a view of the bytes in native order, from element 0 on, with a position of its own}
   * The view may outlive this storage: when the storage is dropped or closed, its memory is freed
   * once the view is gone too, and never given to another storage.
   */
  public ByteBuffer bytes() {
    ByteBuffer bytes = memory.block().bytes;
    memory.expose();
    return bytes.slice(from * dtype.bytes(), length * dtype.bytes()).order(ByteOrder.nativeOrder());
  }

  /**
   * {@return a view of the elements as floats, as {@link #bytes}}
   *
   * @throws IllegalStateException if the dtype is not f32
   */
  public FloatBuffer floats() {
    require(DType.F32);
    return bytes().asFloatBuffer();
  }

  /**
   * {@return a view of the elements as doubles, as {@link #bytes}}
   *
   * @throws IllegalStateException if the dtype is not f64
   */
  public DoubleBuffer doubles() {
    require(DType.F64);
    return bytes().asDoubleBuffer();
  }

  void require(DType wanted) {
    if (dtype != wanted) {
      throw new IllegalStateException("storage holds %s, asked for %s".formatted(dtype, wanted));
    }
  }
}
