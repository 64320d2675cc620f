package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.Arrays;
import java.util.Objects;

/** The elements as Java's numbers and arrays: copies, outside of every graph. */
sealed interface ElementMethods permits Tensor {
  /** {@return the only element} */
  default double item() {
    if (self().size() != 1) {
      throw new IllegalStateException(
          "item: expected one element, got shape " + Shapes.text(self().axes()));
    }
    return self().storage().get(0);
  }

  /**
   * {@return one element, by an index for each axis}
   *
   * @param index one number for each axis
   */
  default double get(int... index) {
    int[] shape = self().axes();
    if (index.length != shape.length) {
      throw new IllegalArgumentException(
          "index: expected %s axes, got %s".formatted(shape.length, index.length));
    }
    int[] strides = Shapes.strides(shape);
    int offset = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      offset += Objects.checkIndex(index[axis], shape[axis]) * strides[axis];
    }
    return self().storage().get(offset);
  }

  /**
   * {@return whether this has the other's shape and each element differs from the other's by at
   * most atol + rtol |other|; infinities equal themselves, NaN nothing} NumPy's are 1e-5 and 1e-8.
   *
   * @param other what it is compared with
   * @param rtol what may differ, as a share of the other's element
   * @param atol what may differ anyway
   */
  default boolean allClose(Tensor other, double rtol, double atol) {
    boolean close = Arrays.equals(self().axes(), other.axes());
    for (int i = 0; close && i < other.size(); i++) {
      close = Comparisons.areClose(self().storage().get(i), other.storage().get(i), rtol, atol);
    }
    return close;
  }

  /** {@return a copy of the elements, row-major} */
  default double[] toDoubleArray() {
    double[] values = new double[self().size()];
    self().storage().read(0, values, 0, values.length);
    return values;
  }

  /** {@return a copy of the elements, row-major, rounded to f32} */
  default float[] toFloatArray() {
    float[] values = new float[self().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) self().storage().get(i);
    }
    return values;
  }

  /** {@return for each element, row-major, whether it is other than 0; NaN is} */
  default boolean[] toBooleanArray() {
    boolean[] values = new boolean[self().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = self().storage().get(i) != 0;
    }
    return values;
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
