package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.ArgumentBlock;

/** A shape with strides of several arrays, neighbouring axes that all of them continue as one. */
final class MergedAxes {
  private final int[] shape;
  private final int[][] strides;
  private int count; // of axes, the last of them first

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

  private void add(int size, int axis, int[][] given) {
    boolean continues = count > 0;
    for (int i = 0; continues && i < given.length; i++) {
      continues = given[i][axis] == strides[i][count - 1] * shape[count - 1];
    }
    if (continues) {
      shape[count - 1] *= size;
      return;
    }
    shape[count] = size;
    for (int i = 0; i < given.length; i++) {
      strides[i][count] = given[i][axis];
    }
    count++;
  }

  /** Puts the number of axes, the shape, and the strides of each array. */
  void put(ArgumentBlock block) {
    block.integer(count);
    put(block, shape);
    for (int[] of : strides) {
      put(block, of);
    }
  }

  private void put(ArgumentBlock block, int[] reversed) {
    for (int axis = count - 1; axis >= 0; axis--) {
      block.integer(reversed[axis]);
    }
  }
}
