package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.platform.Sizes;
import java.util.Arrays;
import java.util.stream.IntStream;

/** The arithmetic of shapes: sizes, strides, axes, broadcasting. */
public final class Shapes {
  private Shapes() {}

  /**
   * Returns the number of elements.
   *
   * @throws IllegalArgumentException if an axis is negative or the product exceeds 2^31-1
   */
  public static int size(int... shape) {
    return Sizes.product("shape", shape);
  }

  public static String text(int... shape) {
    return Arrays.toString(shape).replace('[', '(').replace(']', ')');
  }

  /**
   * Returns the row-major strides, in elements.
   *
   * @throws IllegalArgumentException if there is no array of that shape
   */
  public static int[] strides(int... shape) {
    size(shape);
    int[] strides = new int[shape.length];
    int stride = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= Math.max(shape[axis], 1);
    }
    return strides;
  }

  /**
   * Returns the shape that two shapes broadcast to, by NumPy's rules.
   *
   * @throws IllegalArgumentException if they do not
   */
  public static int[] broadcast(int[] a, int[] b) {
    int[] shape = new int[Math.max(a.length, b.length)];
    for (int i = 1; i <= shape.length; i++) {
      int x = i <= a.length ? a[a.length - i] : 1;
      int y = i <= b.length ? b[b.length - i] : 1;
      if (x != y && x != 1 && y != 1) {
        throw new IllegalArgumentException(
            "shapes %s and %s do not broadcast".formatted(text(a), text(b)));
      }
      shape[shape.length - i] = x == 1 ? y : x;
    }
    return shape;
  }

  /**
   * Checks that an argument's shape broadcasts to another.
   *
   * @throws IllegalArgumentException if it does not
   */
  public static void checkBroadcast(String name, int[] from, int[] to) {
    boolean fits = from.length <= to.length;
    for (int i = 1; fits && i <= from.length; i++) {
      fits = from[from.length - i] == 1 || from[from.length - i] == to[to.length - i];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "%s: shape %s does not broadcast to %s".formatted(name, text(from), text(to)));
    }
  }

  /** Returns the strides with which {@code from} is read as {@code to}: 0 along a repeated axis. */
  public static int[] broadcastStrides(int[] from, int[] to) {
    int[] own = strides(from);
    int[] strides = new int[to.length];
    for (int axis = 0; axis < from.length; axis++) {
      strides[to.length - from.length + axis] = from[axis] == 1 ? 0 : own[axis];
    }
    return strides;
  }

  /**
   * Returns a mask of the axes, all of them where none is given; negative ones count from the end.
   *
   * @throws IllegalArgumentException if an axis is out of range or named twice
   */
  public static boolean[] axes(int ndim, int... axes) {
    boolean[] mask = new boolean[ndim];
    if (axes.length == 0) {
      Arrays.fill(mask, true);
    }
    for (int axis : axes) {
      int at = axis("axes", ndim, axis);
      if (mask[at]) {
        throw new IllegalArgumentException("axes: axis %s is named twice".formatted(axis));
      }
      mask[at] = true;
    }
    return mask;
  }

  /**
   * Returns an axis from 0 on; a negative one counts from the end.
   *
   * @throws IllegalArgumentException if it is out of range
   */
  public static int axis(int ndim, int axis) {
    return axis("axis", ndim, axis);
  }

  private static int axis(String name, int ndim, int axis) {
    int at = axis < 0 ? axis + ndim : axis;
    if (ndim == 0) {
      throw new IllegalArgumentException(
          "%s: expected none, as there are no axes, got %s".formatted(name, axis));
    }
    if (at < 0 || at >= ndim) {
      throw new IllegalArgumentException(
          "%s: expected -%s to %s, got %s".formatted(name, ndim, ndim - 1, axis));
    }
    return at;
  }

  /** Returns the numbers of the axes of the mask. */
  public static int[] numbers(boolean... mask) {
    return IntStream.range(0, mask.length).filter(axis -> mask[axis]).toArray();
  }

  /** Returns the axes of the mask alone. */
  public static int[] only(int[] shape, boolean[] mask) {
    return IntStream.range(0, shape.length)
        .filter(axis -> mask[axis])
        .map(axis -> shape[axis])
        .toArray();
  }

  /** Returns the shape without the axes of the mask. */
  public static int[] without(int[] shape, boolean[] mask) {
    return IntStream.range(0, shape.length)
        .filter(axis -> !mask[axis])
        .map(axis -> shape[axis])
        .toArray();
  }

  /**
   * Returns the shape with an axis of -1 replaced by what is left of {@code size} elements.
   *
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public static int[] complete(int size, int... shape) {
    int[] whole = shape.clone();
    int open = -1;
    long known = 1;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] == -1 && open < 0) {
        open = axis;
      } else {
        known *= shape[axis];
      }
    }
    if (open >= 0 && known > 0 && size % known == 0) {
      whole[open] = (int) (size / known);
    }
    if ((open >= 0 && whole[open] < 0) || size(whole) != size) {
      throw new IllegalArgumentException(
          "shape: %s does not hold %s elements".formatted(text(shape), size));
    }
    return whole;
  }
}
