package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.List;

/** The axes of a sum: those that stay and those that go, neighbours of a kind taken as one. */
final class Reduction {
  /** An axis of a row-major array. */
  record Axis(int size, int stride) {}

  final List<Axis> kept = new ArrayList<>();
  final List<Axis> reduced = new ArrayList<>();

  /** Whether the axis that lies together goes. */
  private final boolean inRuns;

  Reduction(int[] sizes, boolean[] isReduced) {
    int[] shape = sizes.clone(); // what is checked is what is used
    boolean[] reduces = isReduced.clone();
    if (shape.length != reduces.length) {
      throw new IllegalArgumentException(
          "reduced: expected %s axes, got %s".formatted(shape.length, reduces.length));
    }
    int[] strides = Shapes.strides(shape);
    int last = -1;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] == 1) {
        continue;
      }
      List<Axis> axes = reduces[axis] ? reduced : kept;
      if (last >= 0 && reduces[last] == reduces[axis]) {
        Axis before = axes.remove(axes.size() - 1);
        axes.add(new Axis(before.size * shape[axis], strides[axis]));
      } else {
        axes.add(new Axis(shape[axis], strides[axis]));
      }
      last = axis;
    }
    inRuns = last < 0 || reduces[last];
    if (kept.isEmpty()) {
      kept.add(new Axis(1, 0));
    }
    if (reduced.isEmpty()) {
      reduced.add(new Axis(1, 1));
    }
  }

  boolean inRuns() {
    return inRuns;
  }

  int runLength() {
    return reduced.get(reduced.size() - 1).size;
  }

  int outputs() {
    return size(kept);
  }

  int inputs() {
    return size(reduced);
  }

  int outputOffset(int output) {
    return offset(kept, output);
  }

  int inputOffset(int input) {
    return offset(reduced, input);
  }

  private static int size(List<Axis> axes) {
    int size = 1;
    for (Axis axis : axes) {
      size *= axis.size;
    }
    return size;
  }

  private static int offset(List<Axis> axes, int element) {
    int offset = 0;
    int rest = element;
    for (int i = axes.size() - 1; i >= 0; i--) {
      offset += rest % axes.get(i).size * axes.get(i).stride;
      rest /= axes.get(i).size;
    }
    return offset;
  }

  void check(Storage x, Storage y) {
    Convolution.expect("x", x, (long) outputs() * inputs(), x);
    Convolution.expect("y", y, outputs(), x);
  }
}
