package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Elements of one or more axes where a mask of their shape is true; one axis is in their place. */
final class MaskIndex implements Index {
  private final boolean[] mask;
  final int[] shape;

  MaskIndex(boolean[] mask, int... shape) {
    this.mask = mask.clone();
    this.shape = shape.clone();
    if (shape.length == 0 || Shapes.size(shape) != mask.length) {
      throw new IllegalArgumentException(
          "shape: expected one or more axes of %s elements, got %s"
              .formatted(mask.length, Shapes.text(shape)));
    }
  }

  /** Returns what it is as numbers along each of the axes that begin with {@code axis} of x. */
  List<Index> numbers(Tensor x, int axis) {
    int[] own = Arrays.copyOfRange(x.axes(), axis, axis + shape.length);
    if (!Arrays.equals(shape, own)) {
      throw new IllegalArgumentException(
          "indices: a mask of shape %s does not fit axes %s to %s of shape %s"
              .formatted(Shapes.text(shape), axis, axis + shape.length - 1, Shapes.text(x.axes())));
    }
    int[] strides = Shapes.strides(shape);
    int count = 0;
    for (boolean chosen : mask) {
      count += chosen ? 1 : 0;
    }
    List<Index> all = new ArrayList<>();
    for (int d = 0; d < shape.length; d++) {
      int[] numbers = new int[count];
      int next = 0;
      for (int i = 0; i < mask.length; i++) {
        if (mask[i]) {
          numbers[next++] = i / strides[d] % shape[d];
        }
      }
      all.add(new IntegerIndex(numbers, count));
    }
    return all;
  }

  @Override
  public String toString() {
    return "MaskIndex" + Arrays.toString(mask) + "[shape=" + Shapes.text(shape) + "]";
  }
}
