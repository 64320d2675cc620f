package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.NativeCall;

/**
 * A shape and the strides of several arrays over it, with as few axes as that takes: where every
 * array goes on from one axis to the next without a gap, the two are one.
 */
final class MergedAxes {
  private final int[] shape;
  private final int[][] strides;
  private int count; // of axes; both arrays hold the last axis first

  MergedAxes(int[] shape, int[]... strides) {
    this.shape = new int[Math.max(1, shape.length)];
    this.strides = new int[strides.length][this.shape.length];
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] != 1) {
        add(shape[axis], axis, strides);
      }
    }
    if (count == 0) {
      this.shape[count++] = 1;
    }
  }

  private void add(int size, int axis, int[][] of) {
    boolean continues = count > 0;
    for (int i = 0; continues && i < of.length; i++) {
      continues = of[i][axis] == strides[i][count - 1] * shape[count - 1];
    }
    if (continues) {
      shape[count - 1] *= size;
      return;
    }
    shape[count] = size;
    for (int i = 0; i < of.length; i++) {
      strides[i][count] = of[i][axis];
    }
    count++;
  }

  /** Puts the number of axes, the shape, and the strides of each array. */
  void put(NativeCall call) {
    call.integer(count);
    put(call, shape);
    for (int[] of : strides) {
      put(call, of);
    }
  }

  private void put(NativeCall call, int[] reversed) {
    for (int axis = count - 1; axis >= 0; axis--) {
      call.integer(reversed[axis]);
    }
  }
}
