package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The elements that indices choose, by NumPy's rules of advanced indexing: arrays of numbers, and
 * masks as such arrays, broadcast against each other; their axes come where the first of them was
 * if they follow each other, else first.
 */
final class Selection {
  /** One or more axes of the result, and how far each of its elements is from the first. */
  private static final class Part {
    final int[] sizes;
    final int[] offsets;

    Part(int[] sizes, int... offsets) {
      this.sizes = sizes;
      this.offsets = offsets;
    }
  }

  private final Tensor x;
  private final int[] strides;
  private final List<Part> parts = new ArrayList<>();
  private final List<Part> arrays = new ArrayList<>();
  private int from;
  private int axis;
  private int arraysAt = -1;
  private boolean arraysEnded;
  private boolean arraysApart;

  private Selection(Tensor x) {
    this.x = x;
    this.strides = Shapes.strides(x.axes());
  }

  /** Whether there are arrays or masks among them, so that what they choose may lie anywhere. */
  static boolean isAdvanced(Index... indices) {
    return Arrays.stream(indices)
        .anyMatch(index -> index instanceof IntegerIndex || index instanceof MaskIndex);
  }

  static Selection of(Tensor x, Index... indices) {
    Selection selection = new Selection(x);
    boolean advanced = isAdvanced(indices);
    for (Index index : Slice.expanded(x, indices)) {
      selection.add(index, advanced);
    }
    if (!selection.arrays.isEmpty()) {
      int at = selection.arraysApart ? 0 : selection.arraysAt;
      selection.parts.add(at, selection.merged());
    }
    return selection;
  }

  private void add(Index index, boolean advanced) {
    if (index instanceof MaskIndex mask) {
      mask.numbers(x, axis).forEach(numbers -> add(numbers, advanced));
    } else if (index instanceof IntegerIndex array) {
      addArray(array.shape, array.numbers);
    } else if (index instanceof Index.At at && advanced) {
      addArray(new int[0], at.index());
    } else if (index instanceof Index.At at) {
      from += Slice.within(x, axis, at.index()) * strides[axis];
      axis++;
    } else {
      arraysEnded |= arraysAt >= 0;
      if (index instanceof Index.Range range) {
        int[] places = Slice.places(x.dim(axis), range);
        int stride = strides[axis++];
        int[] offsets = Arrays.stream(places).map(i -> i * stride).toArray();
        parts.add(new Part(new int[] {offsets.length}, offsets));
      } else {
        parts.add(new Part(new int[] {1}, 0));
      }
    }
  }

  private void addArray(int[] shape, int... numbers) {
    arraysApart |= arraysEnded;
    arraysAt = arraysAt < 0 ? parts.size() : arraysAt;
    int stride = strides[axis];
    int[] offsets = Arrays.stream(numbers).map(i -> Slice.within(x, axis, i) * stride).toArray();
    arrays.add(new Part(shape, offsets));
    axis++;
  }

  /** Returns all arrays together, as they broadcast. */
  private Part merged() {
    int[] shape = new int[0];
    for (Part array : arrays) {
      shape = broadcast(shape, array.sizes);
    }
    int[] sums = new int[Shapes.size(shape)];
    int[] own = Shapes.strides(shape);
    for (Part array : arrays) {
      int[] steps = Shapes.broadcastStrides(array.sizes, shape);
      for (int i = 0; i < sums.length; i++) {
        int at = 0;
        for (int d = 0; d < shape.length; d++) {
          at += i / own[d] % shape[d] * steps[d];
        }
        sums[i] += array.offsets[at];
      }
    }
    return new Part(shape, sums);
  }

  private static int[] broadcast(int[] a, int[] b) {
    try {
      return Shapes.broadcast(a, b);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("indices: " + e.getMessage(), e);
    }
  }

  private int[] shape() {
    return parts.stream().flatMapToInt(part -> Arrays.stream(part.sizes)).toArray();
  }

  /** Returns where the chosen elements lie, in their order. */
  private int[] places() {
    int[] places = {from};
    for (Part part : parts) {
      int count = part.offsets.length;
      int[] next = new int[Shapes.size(places.length, count)];
      for (int i = 0; i < next.length; i++) {
        next[i] = places[i / count] + part.offsets[i % count];
      }
      places = next;
    }
    return places;
  }

  /** Returns the chosen elements. */
  Tensor gathered() {
    return new Indexing.Gather(x, places(), shape()).apply();
  }

  /** Returns x with values in place of the chosen elements, the last one where there are more. */
  Tensor replaced(Tensor value) {
    int[] places = places();
    Tensor values = spread(value).reshape(places.length);
    Storage chosen = Storage.allocate(x.dtype(), x.size());
    int[] picked = new int[places.length == 0 ? 0 : x.size()];
    for (int i = 0; i < places.length; i++) {
      chosen.set(places[i], 1);
      picked[places[i]] = i;
    }
    Tensor placed =
        places.length == 0
            ? Tensor.constantScalar(x.dtype(), 0)
            : new Indexing.Gather(values, picked, x.shape()).apply();
    return new Comparisons.Select(Tensor.constant(chosen, x.axes()), placed, x).apply();
  }

  /** Returns a value in the shape of what is chosen, in x's dtype. */
  private Tensor spread(Tensor value) {
    int[] shape = shape();
    int[] own = value.shape();
    int extra = 0;
    while (own.length - extra > shape.length && own[extra] == 1) {
      extra++;
    }
    Shapes.checkBroadcast("value", Arrays.copyOfRange(own, extra, own.length), shape);
    DType dtype = x.dtype();
    return value
        .reshape(Arrays.copyOfRange(own, extra, own.length))
        .astype(dtype)
        .broadcastTo(shape);
  }
}
