package io.github.jbatchnorm.memory;

import java.lang.ref.Reference;
import java.util.Objects;

/** The elements of a storage as Java's numbers and arrays. */
@SuppressWarnings("ReachabilityFenceUsage") // no finally: what throws has nothing more to touch
sealed interface StoredElements permits Storage {
  /**
   * {@return element {@code index}, widened to double}
   *
   * @param index which, from 0
   */
  default double get(int index) {
    int at = self().from() + Objects.checkIndex(index, self().length());
    double value = Elements.get(self().dtype(), self().memory().block(), at);
    Reference.reachabilityFence(self().memory());
    return value;
  }

  /**
   * Sets element {@code index} to {@code value}, rounded to the dtype (nearest, ties to even).
   *
   * @param index which, from 0
   * @param value is rounded to the type
   */
  default void set(int index, double value) {
    int at = self().from() + Objects.checkIndex(index, self().length());
    Elements.set(self().dtype(), self().memory().block(), at, value);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * {@return the bits of element {@code index} of an f32 storage}
   *
   * @param index which, from 0
   */
  default int bits(int index) {
    int at = self().from() + Objects.checkIndex(index, self().length());
    int bits = self().memory().block().bytes.getInt(at * Integer.BYTES);
    Reference.reachabilityFence(self().memory());
    return bits;
  }

  /**
   * Sets the bits of element {@code index} of an f32 storage.
   *
   * @param index which, from 0
   * @param bits as they are stored
   */
  default void bits(int index, int bits) {
    int at = self().from() + Objects.checkIndex(index, self().length());
    self().memory().block().bytes.putInt(at * Integer.BYTES, bits);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * Reads {@code count} elements from {@code from} on into {@code into} at {@code at}, widening.
   *
   * @param from the first element
   * @param into where they go
   * @param at the first place there
   * @param count how many
   * @throws IndexOutOfBoundsException if either range does not fit
   */
  default void read(int from, double[] into, int at, int count) {
    int first = self().from() + Objects.checkFromIndexSize(from, count, self().length());
    Elements.read(self().dtype(), self().memory().block(), first, 1, into, at, count);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * Writes {@code count} elements of {@code values} from {@code at} on to {@code to}, rounding to
   * the dtype.
   *
   * @param to the first element to write
   * @param values the elements
   * @param at the first place there
   * @param count how many
   * @throws IndexOutOfBoundsException if either range does not fit
   */
  default void write(int to, double[] values, int at, int count) {
    int first = self().from() + Objects.checkFromIndexSize(to, count, self().length());
    Elements.write(self().dtype(), self().memory().block(), first, 1, values, at, count);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * Reads {@code count} elements, every {@code step} from {@code from} on, widening.
   *
   * @param from the first element
   * @param step 1 or more
   * @param into where they go
   * @param count how many
   * @throws IndexOutOfBoundsException if they do not lie within this, or the array is too short
   */
  default void read(int from, int step, double[] into, int count) {
    int first = first(from, step, count);
    Elements.read(self().dtype(), self().memory().block(), first, step, into, 0, count);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * As {@link #read(int, int, double[], int)}, of f32, bf16 or f16.
   *
   * @param from the first element
   * @param step elements from one to the next
   * @param into where they go
   * @param count how many
   * @throws IllegalStateException if this is f64
   */
  default void read(int from, int step, float[] into, int count) {
    requireNarrow();
    int first = first(from, step, count);
    Elements.readNarrow(self().dtype(), self().memory().block(), first, step, into, count);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * Writes {@code count} values to every {@code step} from {@code to} on, rounding to the dtype.
   *
   * @param to the first element to write
   * @param step 1 or more
   * @param values the elements
   * @param count how many
   * @throws IndexOutOfBoundsException if they do not lie within this, or the array is too short
   */
  default void write(int to, int step, double[] values, int count) {
    int first = first(to, step, count);
    Elements.write(self().dtype(), self().memory().block(), first, step, values, 0, count);
    Reference.reachabilityFence(self().memory());
  }

  /**
   * As {@link #write(int, int, double[], int)}, of f32, bf16 or f16.
   *
   * @param to the first element to write
   * @param step elements from one to the next
   * @param values the elements
   * @param count how many
   * @throws IllegalStateException if this is f64
   */
  default void write(int to, int step, float[] values, int count) {
    requireNarrow();
    int first = first(to, step, count);
    Elements.writeNarrow(self().dtype(), self().memory().block(), first, step, values, count);
    Reference.reachabilityFence(self().memory());
  }

  private int first(int index, int step, int count) {
    long reach = count == 0 ? 0 : (count - 1L) * step + 1;
    if (count < 0 || step < 1 || index < 0 || index + reach > self().length()) {
      throw new IndexOutOfBoundsException(
          "expected %s elements, every %s from %s on, within %s"
              .formatted(count, step, index, self().length()));
    }
    return self().from() + index;
  }

  private void requireNarrow() {
    if (self().dtype() == DType.F64) {
      throw new IllegalStateException("storage holds F64, asked for floats");
    }
  }

  /**
   * Copies this many elements of an array on the heap, from {@code offset} on, into this: f32.
   *
   * @param source where they come from
   * @param offset the first element there
   * @throws IllegalStateException if the dtype is not f32
   * @throws IndexOutOfBoundsException if the array is too short
   */
  default void copyFrom(float[] source, int offset) {
    self().require(DType.F32);
    self().memory().block().floats.put(self().from(), source, offset, self().length());
    Reference.reachabilityFence(self().memory());
  }

  /**
   * As {@link #copyFrom(float[], int)}, of f64.
   *
   * @param source where they come from
   * @param offset the first element there
   */
  default void copyFrom(double[] source, int offset) {
    self().require(DType.F64);
    self().memory().block().doubles.put(self().from(), source, offset, self().length());
    Reference.reachabilityFence(self().memory());
  }

  /**
   * Copies every element to an array on the heap, from {@code offset} on: f32.
   *
   * @param target where they go
   * @param offset the first element there
   * @throws IllegalStateException if the dtype is not f32
   * @throws IndexOutOfBoundsException if the array is too short
   */
  default void copyTo(float[] target, int offset) {
    self().require(DType.F32);
    self().memory().block().floats.get(self().from(), target, offset, self().length());
    Reference.reachabilityFence(self().memory());
  }

  /**
   * As {@link #copyTo(float[], int)}, of f64.
   *
   * @param target where they go
   * @param offset the first element there
   */
  default void copyTo(double[] target, int offset) {
    self().require(DType.F64);
    self().memory().block().doubles.get(self().from(), target, offset, self().length());
    Reference.reachabilityFence(self().memory());
  }

  private Storage self() {
    return (Storage) this;
  }
}
