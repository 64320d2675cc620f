package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/** Indices of elements, as many as a pooling has outputs; off-heap. */
public final class PickedElements {
  /** Indices have the size of f32 elements. */
  final Storage memory;

  private volatile @Nullable Pooling of;

  /** Makes room for so many. */
  public PickedElements(int length) {
    memory = Storage.uninitialized(DType.F32, length);
  }

  /** Returns how many there are. */
  public int length() {
    return memory.length();
  }

  /** Notes by which pooling they were all found; null before and while they are written. */
  void found(@Nullable Pooling by) {
    of = by;
  }

  /** Returns the pooling that they were found by, or null. */
  @Nullable Pooling of() {
    return of;
  }

  int get(int index) {
    return memory.bits(index);
  }

  void set(int index, int element) {
    memory.bits(index, element);
  }

  /**
   * Returns a copy of the indices.
   *
   * @throws IllegalStateException before a pooling has found them
   */
  public int[] toArray() {
    if (of == null) {
      throw new IllegalStateException("picks: no pooling has found them");
    }
    int[] all = new int[length()];
    for (int i = 0; i < all.length; i++) {
      all[i] = get(i);
    }
    return all;
  }

  /** Gives the memory back. */
  public void release() {
    memory.close();
  }
}
