package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;

/** Elements of a storage that a shape is read from or written to. */
public final class Strided {
  final Storage storage;
  final int from;
  final int[] strides;

  private Strided(Storage storage, int from, int... strides) {
    this.storage = storage;
    this.from = from;
    this.strides = strides;
  }

  /**
   * Returns a view.
   *
   * @param storage the elements
   * @param from where the shape's first element lies
   * @param strides for each axis of the shape the distance of its elements, 0 to repeat one
   */
  public static Strided of(Storage storage, int from, int... strides) {
    return new Strided(storage, from, strides.clone());
  }

  /** Checks that every element of the shape lies within the storage. */
  void check(String name, int... shape) {
    if (strides.length != shape.length) {
      throw new IllegalArgumentException(
          "%s: expected %s strides, got %s".formatted(name, shape.length, strides.length));
    }
    long first = from;
    long last = from;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] == 0) {
        return;
      }
      long span = (shape[axis] - 1L) * strides[axis];
      first += Math.min(span, 0);
      last += Math.max(span, 0);
    }
    if (first < 0 || last >= storage.length()) {
      throw new IllegalArgumentException(
          "%s: elements %s to %s do not lie within %s"
              .formatted(name, first, last, storage.length()));
    }
  }
}
