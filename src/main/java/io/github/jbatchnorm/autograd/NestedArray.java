package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;

/** Arrays of arrays of numbers as a tensor. */
final class NestedArray {
  private final int[] shape;
  private final Storage storage;
  private int next;

  private NestedArray(DType dtype, int... shape) {
    this.shape = shape;
    this.storage = Storage.uninitialized(dtype, Shapes.size(shape));
  }

  static Tensor tensor(Object[] nested) {
    List<Integer> sizes = new ArrayList<>();
    Class<?> type = nested.getClass();
    Object first = nested;
    while (type.isArray()) {
      int size = first == null ? 0 : Array.getLength(first);
      sizes.add(size);
      type = type.getComponentType();
      first = size == 0 || type.isPrimitive() ? null : Array.get(first, 0);
    }
    if (!type.isPrimitive() || type == char.class) {
      throw new IllegalArgumentException(
          "nested: expected arrays of arrays of numbers or boolean, got "
              + nested.getClass().getSimpleName());
    }
    int[] shape = sizes.stream().mapToInt(Integer::intValue).toArray();
    NestedArray into = new NestedArray(type == float.class ? DType.F32 : DType.F64, shape);
    into.add(nested, 0, "");
    return type == float.class || type == double.class
        ? Tensor.variable(into.storage, shape)
        : Tensor.constant(into.storage, shape);
  }

  private void add(Object array, int axis, String place) {
    if (array == null) {
      throw new IllegalArgumentException("nested: %s is null".formatted(place));
    }
    int size = Array.getLength(array);
    if (size != shape[axis]) {
      throw new IllegalArgumentException(
          "nested: expected %s elements in %s, as in the first beside it, got %s"
              .formatted(shape[axis], place, size));
    }
    if (axis + 1 < shape.length) {
      for (int i = 0; i < size; i++) {
        add(Array.get(array, i), axis + 1, place + "[" + i + "]");
      }
      return;
    }
    double[] row = row(array, place);
    storage.write(next, row, 0, size);
    next += size;
  }

  private static double[] row(Object array, String place) {
    if (array instanceof double[] row) {
      return row;
    }
    double[] row = new double[Array.getLength(array)];
    for (int i = 0; i < row.length; i++) {
      if (array instanceof boolean[] truths) {
        row[i] = truths[i] ? 1 : 0;
      } else {
        row[i] = Array.getDouble(array, i); // which widens any number
      }
      if (array instanceof long[] numbers && !holds(numbers[i])) {
        throw new IllegalArgumentException(
            "nested: expected numbers that f64 holds, got %s in %s[%s]"
                .formatted(numbers[i], place, i));
      }
    }
    return row;
  }

  private static boolean holds(long number) {
    double value = number;
    return value != 0x1p63 && (long) value == number;
  }
}
