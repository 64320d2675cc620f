package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/** Rearrangements of elements, and the matrix product. */
sealed interface ShapeMethods permits Tensor {
  /**
   * {@return the same elements, row-major, in another shape; the memory is shared}
   *
   * @param shape the new axes; one may be -1: what is left
   * @throws IllegalArgumentException if the number of elements differs
   */
  default Tensor reshape(int... shape) {
    int[] whole = Shapes.complete(self().size(), shape);
    return Arrays.equals(whole, self().axes())
        ? self().same()
        : Views.viewed(self(), new Shaping.Reshape(self(), whole).apply(), 0);
  }

  /**
   * {@return a copy with its axes in another order: axis i of the result is axis {@code axes[i]} of
   * this}
   *
   * @param axes a permutation; none given means reversed
   * @throws IllegalArgumentException if the axes are no permutation
   */
  default Tensor transpose(int... axes) {
    int ndim = self().ndim();
    int[] permutation =
        axes.length == 0 ? IntStream.range(0, ndim).map(i -> ndim - 1 - i).toArray() : axes.clone();
    return new Shaping.Transpose(self(), permutation).apply();
  }

  /**
   * {@return this repeated to a larger shape}
   *
   * @param shape the new axes
   * @throws IllegalArgumentException if this does not broadcast to it
   */
  default Tensor broadcastTo(int... shape) {
    return Arrays.equals(self().axes(), shape)
        ? self().same()
        : new Shaping.BroadcastTo(self(), shape.clone()).apply();
  }

  /**
   * {@return this without axes of size 1}
   *
   * @param axes which; all of size 1 where none is given
   * @throws IllegalArgumentException if an axis is out of range, named twice, or not of size 1
   */
  default Tensor squeeze(int... axes) {
    int[] shape = self().axes();
    boolean[] gone = axes.length == 0 ? new boolean[shape.length] : Shapes.axes(shape.length, axes);
    for (int axis = 0; axis < shape.length; axis++) {
      if (gone[axis] && shape[axis] != 1) {
        throw new IllegalArgumentException(
            "axes: axis %s of shape %s is not of size 1".formatted(axis, Shapes.text(shape)));
      }
      gone[axis] |= axes.length == 0 && shape[axis] == 1;
    }
    return reshape(Shapes.without(shape, gone));
  }

  /**
   * {@return this with axes of size 1 put in}
   *
   * @param axes where they are in the result; negative ones count from its end
   * @throws IllegalArgumentException if an axis is out of range or named twice
   */
  default Tensor expandDims(int... axes) {
    int[] own = self().axes();
    boolean[] added = new boolean[own.length + axes.length];
    if (axes.length > 0) {
      added = Shapes.axes(added.length, axes);
    }
    int[] shape = new int[added.length];
    int next = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      shape[axis] = added[axis] ? 1 : own[next++];
    }
    return reshape(shape);
  }

  /**
   * {@return a copy with two axes exchanged}
   *
   * @param first one axis, negative from the end
   * @param second the other axis
   */
  default Tensor swapAxes(int first, int second) {
    int[] order = IntStream.range(0, self().ndim()).toArray();
    int a = Shapes.axis(order.length, first);
    int b = Shapes.axis(order.length, second);
    order[a] = b;
    order[b] = a;
    return transpose(order);
  }

  /**
   * {@return a copy with one axis moved elsewhere, the others in their order}
   *
   * @param source where the axis is
   * @param destination where it shall be
   */
  default Tensor moveAxis(int source, int destination) {
    int ndim = self().ndim();
    int from = Shapes.axis(ndim, source);
    int to = Shapes.axis(ndim, destination);
    List<Integer> order = new ArrayList<>(IntStream.range(0, ndim).boxed().toList());
    order.add(to, order.remove(from));
    return transpose(order.stream().mapToInt(Integer::intValue).toArray());
  }

  /** {@return the elements, row-major, along one axis; the memory is shared} */
  default Tensor flatten() {
    return reshape(self().size());
  }

  /**
   * {@return a part, by NumPy's indexing: an {@link Index} for each axis from the first on, all of
   * the axes that are left} The memory is shared where the part lies together and no arrays or
   * masks are among the indices; a copy otherwise. Where an element is chosen more than once its
   * gradients add up.
   *
   * @param indices what of each axis
   * @throws IllegalArgumentException if there are more indices than axes, or one is out of range
   */
  default Tensor slice(Index... indices) {
    Objects.requireNonNull(indices, "indices");
    return Slice.of(self(), indices);
  }

  /**
   * {@return copies of parts along one axis, in the order of {@code indices}, which may repeat}
   *
   * @param axis a negative one counts from the end
   * @param indices negative ones count from the end of the axis
   * @throws IllegalArgumentException if one is out of range
   */
  default Tensor take(int axis, int... indices) {
    return Indexing.Gather.along(self(), axis, indices);
  }

  /**
   * {@return each part along an axis so many times, one after the other}
   *
   * @param times how often, 0 or more
   * @param axis which axis, negative from the end
   * @throws IllegalArgumentException if the axis is out of range or times is below 0
   */
  default Tensor repeat(int times, int axis) {
    int size = self().dim(Shapes.axis(self().ndim(), axis));
    int[] all = new int[size];
    Arrays.fill(all, times);
    return repeat(all, axis);
  }

  /**
   * {@return each element so many times, one after the other, along one axis}
   *
   * @param times how often, 0 or more
   * @throws IllegalArgumentException if times is below 0
   */
  default Tensor repeat(int times) {
    return flatten().repeat(times, 0);
  }

  /**
   * {@return each part along an axis as often as a number of its own says}
   *
   * @param times how often, 0 or more, for each part; one number for all
   * @param axis which axis, negative from the end
   * @throws IllegalArgumentException if the axis is out of range, there are neither one number nor
   *     as many as parts, or one is below 0
   */
  default Tensor repeat(int[] times, int axis) {
    int size = self().dim(Shapes.axis(self().ndim(), axis));
    if (times.length != size && times.length != 1) {
      throw new IllegalArgumentException(
          "times: expected 1 or %s numbers, got %s".formatted(size, times.length));
    }
    long count = 0;
    for (int i = 0; i < size; i++) {
      count += timesOf(i, times);
    }
    int[] places = new int[Shapes.size((int) Math.min(count, Integer.MAX_VALUE))];
    int next = 0;
    for (int i = 0; i < size; i++) {
      Arrays.fill(places, next, next += timesOf(i, times), i);
    }
    return take(axis, places);
  }

  private static int timesOf(int part, int... times) {
    int each = times[times.length == 1 ? 0 : part];
    if (each < 0) {
      throw new IllegalArgumentException("times: expected 0 or more, got " + each);
    }
    return each;
  }

  /**
   * {@return this with what lies along an axis moved on by a shift, what leaves the end in front}
   *
   * @param shift by how many elements
   * @param axis which axis, negative from the end
   */
  default Tensor roll(int shift, int axis) {
    int size = self().dim(Shapes.axis(self().ndim(), axis));
    int by = size == 0 ? 0 : Math.floorMod(shift, size);
    return take(axis, IntStream.range(0, size).map(i -> (i + size - by) % size).toArray());
  }

  /**
   * {@return this with its elements, row-major, moved on by a shift, what leaves the end in front}
   *
   * @param shift by how many elements
   */
  default Tensor roll(int shift) {
    return flatten().roll(shift, 0).reshape(self().shape());
  }

  /**
   * {@return this rolled along several axes, one after the other}
   *
   * @param shifts by how many elements, one for each axis
   * @param axes which axes, negative from the end; one that is named twice is rolled twice
   * @throws IllegalArgumentException if there are not as many shifts as axes
   */
  default Tensor roll(int[] shifts, int[] axes) {
    if (shifts.length != axes.length) {
      throw new IllegalArgumentException(
          "shifts: expected %s, one for each axis, got %s".formatted(axes.length, shifts.length));
    }
    Tensor rolled = self();
    for (int i = 0; i < axes.length; i++) {
      rolled = rolled.roll(shifts[i], axes[i]);
    }
    return axes.length == 0 ? self().multiply(1) : rolled; // a tensor of its own
  }

  /** {@return this with at least one axis: a scalar as (1); the memory is shared} */
  default Tensor atLeast1d() {
    return self().ndim() == 0 ? reshape(1) : self().same();
  }

  /** {@return this with at least two axes: (N) as (1, N); the memory is shared} */
  default Tensor atLeast2d() {
    return self().ndim() < 2 ? reshape(1, self().size()) : self().same();
  }

  /**
   * {@return this with at least three axes: (N) as (1, N, 1), (M, N) as (M, N, 1); the memory is
   * shared}
   */
  default Tensor atLeast3d() {
    return self().ndim() < 3 ? atLeast2d().expandDims(-1) : self().same();
  }

  /**
   * {@return the elements where a mask is true, along one axis}
   *
   * @param mask row-major, as many as this has elements
   * @throws IllegalArgumentException if it has another number
   */
  default Tensor select(boolean... mask) {
    return Indexing.Gather.where(self(), mask);
  }

  /**
   * {@return the matrix product over the last two axes; the axes before broadcast} A vector is a
   * row on the left and a column on the right, and that axis goes. By OpenBLAS, but for {@link
   * io.github.jbatchnorm.arrays.Products}.
   *
   * @param other shape (..., K, N), where this has shape (..., M, K)
   * @throws IllegalArgumentException if the shapes do not fit
   */
  default Tensor matmul(Tensor other) {
    Objects.requireNonNull(other, "other");
    return MatMul.of(self(), other);
  }

  /**
   * {@return the products of matrices, each perhaps read with its last two axes exchanged}
   *
   * @param other shape (..., K, N), where this has shape (..., M, K), both as read
   * @param transposeThis whether this one's matrices are read transposed
   * @param transposeOther whether the other's are
   * @throws IllegalArgumentException if the shapes do not fit, or one has fewer than two axes
   */
  default Tensor matmul(Tensor other, boolean transposeThis, boolean transposeOther) {
    Objects.requireNonNull(other, "other");
    return MatMul.of(self(), transposeThis, other, transposeOther);
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
