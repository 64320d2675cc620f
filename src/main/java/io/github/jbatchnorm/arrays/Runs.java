package io.github.jbatchnorm.arrays;

import java.util.Arrays;

/**
 * A walk over a shape in row-major order that keeps the offset that given strides lead to. Axes
 * that make one run (neighbours whose strides continue each other) are walked as one.
 */
final class Runs {
  private final int[] shape;
  private final int[] strides;
  private final int[] index;
  private int offset;

  Runs(int[] shape, int[] strides) {
    int[] mergedShape = new int[shape.length + 1];
    int[] mergedStrides = new int[shape.length + 1];
    int last = 0; // filled from the back, axis by axis
    mergedShape[0] = 1;
    mergedStrides[0] = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] == 1) {
        continue;
      }
      if (mergedShape[last] == 1) {
        mergedShape[last] = shape[axis];
        mergedStrides[last] = strides[axis];
      } else if (strides[axis] == mergedStrides[last] * mergedShape[last]) {
        mergedShape[last] *= shape[axis];
      } else {
        last++;
        mergedShape[last] = shape[axis];
        mergedStrides[last] = strides[axis];
      }
    }
    this.shape = reversed(mergedShape, last + 1);
    this.strides = reversed(mergedStrides, last + 1);
    this.index = new int[last + 1];
  }

  private static int[] reversed(int[] values, int count) {
    int[] result = new int[count];
    for (int i = 0; i < count; i++) {
      result[i] = values[count - 1 - i];
    }
    return result;
  }

  /** Returns true where the walk is over consecutive offsets from 0 on. */
  boolean isRowMajor() {
    return Arrays.equals(strides, new int[] {1});
  }

  /** Goes to an element of the shape, by its row-major index. */
  void seek(int element) {
    offset = 0;
    int rest = element;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % Math.max(1, shape[axis]);
      rest /= Math.max(1, shape[axis]);
      offset += index[axis] * strides[axis];
    }
  }

  /** Returns the offset of the current element. */
  int offset() {
    return offset;
  }

  /** Returns how many elements, the current one included, are left of the current run. */
  int left() {
    return shape[shape.length - 1] - index[shape.length - 1];
  }

  /** Returns the distance of a run's elements. */
  int stride() {
    return strides[shape.length - 1];
  }

  /** Goes {@code count} elements on, at most {@link #left}. */
  void advance(int count) {
    int last = shape.length - 1;
    index[last] += count;
    offset += count * strides[last];
    for (int axis = last; axis > 0 && index[axis] == shape[axis]; axis--) {
      offset += strides[axis - 1] - index[axis] * strides[axis];
      index[axis] = 0;
      index[axis - 1]++;
    }
  }
}
