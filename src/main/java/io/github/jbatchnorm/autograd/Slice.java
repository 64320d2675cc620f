package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Elements that a shape walks over with strides, each at most once. Shares memory where they lie
 * together; the gradient goes back to where they came from, among zeros.
 */
final class Slice extends Formula {
  private final int from;
  private final int[] shape;
  private final int[] strides;

  /** Makes the operation; a stride may be negative, and elements lie within x. */
  Slice(Tensor x, int from, int[] shape, int[] strides) {
    super(x);
    this.from = from;
    this.shape = shape;
    this.strides = strides;
  }

  static Tensor of(Tensor x, Index... indices) {
    if (Selection.isAdvanced(indices)) {
      return Selection.of(x, indices).gathered();
    }
    Walk walk = new Walk(x);
    for (Index index : expanded(x, indices)) {
      walk.add(index);
    }
    return walk.slice();
  }

  /** Returns the indices with those in place of an ellipsis, or at the end, that are not given. */
  static List<Index> expanded(Tensor x, Index... indices) {
    int used = 0;
    int at = -1;
    List<Index> all = new ArrayList<>();
    for (Index index : indices) {
      Objects.requireNonNull(index, "indices: expected no null; Index.newAxis() adds an axis");
      if (index instanceof Index.Ellipsis) {
        if (at >= 0) {
          throw new IllegalArgumentException("indices: at most one ellipsis");
        }
        at = all.size();
        continue;
      }
      used += axes(index);
      all.add(index);
    }
    if (used > x.ndim()) {
      throw new IllegalArgumentException(
          "indices: expected at most %s for shape %s, got %s"
              .formatted(x.ndim(), Shapes.text(x.axes()), used));
    }
    Index[] rest = new Index[x.ndim() - used];
    Arrays.fill(rest, Index.all());
    all.addAll(at < 0 ? all.size() : at, Arrays.asList(rest));
    return all;
  }

  /** Returns how many axes an index is for. */
  private static int axes(Index index) {
    if (index instanceof MaskIndex mask) {
      return mask.shape.length;
    }
    return index instanceof Index.NewAxis ? 0 : 1;
  }

  /**
   * Returns a place along an axis, counted from its beginning.
   *
   * @throws IllegalArgumentException if it is out of range
   */
  static int within(Tensor x, int axis, int index) {
    int size = x.dim(axis);
    int at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) {
      throw new IllegalArgumentException(
          "indices: %s is out of range for axis %s of size %s".formatted(index, axis, size));
    }
    return at;
  }

  /** Returns the places that a range has along an axis of a size. */
  static int[] places(int size, Index.Range range) {
    Run run = Run.of(size, range);
    return IntStream.range(0, run.count).map(i -> run.start + i * range.step()).toArray();
  }

  /** Where a range begins along an axis, and how many elements it has. */
  private record Run(int start, int count) {
    static Run of(int size, Index.Range range) {
      int step = range.step();
      // Python's bounds: from the first element in the direction of the step, to beyond the last.
      int least = step > 0 ? 0 : -1;
      int most = step > 0 ? size : size - 1;
      int start = bound(range.start(), step > 0 ? least : most, size, least, most);
      int stop = bound(range.stop(), step > 0 ? most : least, size, least, most);
      long distance = step > 0 ? (long) stop - start : (long) start - stop;
      long stride = Math.abs((long) step);
      return new Run(start, (int) (distance <= 0 ? 0 : (distance + stride - 1) / stride));
    }

    private static int bound(@Nullable Integer given, int open, int size, int least, int most) {
      if (given == null) {
        return open;
      }
      return Math.max(least, Math.min(most, given < 0 ? given + size : given));
    }
  }

  /** The walk that indices make, axis by axis. */
  private static final class Walk {
    private final Tensor x;
    private final int[] own;
    private final List<Integer> shape = new ArrayList<>();
    private final List<Integer> strides = new ArrayList<>();
    private int from;
    private int axis;

    Walk(Tensor x) {
      this.x = x;
      this.own = Shapes.strides(x.axes());
    }

    void add(Index index) {
      if (index instanceof Index.NewAxis) {
        shape.add(1);
        strides.add(0);
      } else if (index instanceof Index.At at) {
        from += within(x, axis, at.index()) * own[axis++];
      } else if (index instanceof Index.Range range) {
        add(range);
        axis++;
      }
    }

    private void add(Index.Range range) {
      Run run = Run.of(x.dim(axis), range);
      shape.add(run.count);
      strides.add(run.count > 1 ? own[axis] * range.step() : 0);
      from += run.count > 0 ? run.start * own[axis] : 0;
    }

    Tensor slice() {
      int[] sizes = shape.stream().mapToInt(Integer::intValue).toArray();
      int[] steps = strides.stream().mapToInt(Integer::intValue).toArray();
      if (Shapes.size(sizes) == x.size() && isRowMajor(sizes, steps)) {
        return x.reshape(sizes);
      }
      int first = Shapes.size(sizes) == 0 ? 0 : from;
      return Views.viewed(x, new Slice(x, first, sizes, steps).apply(), first);
    }
  }

  /** Whether elements lie together, row-major. */
  private static boolean isRowMajor(int[] shape, int[] strides) {
    int[] plain = Shapes.strides(shape);
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] > 1 && strides[axis] != plain[axis]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return Map.of("from", from, "strides", strides.clone());
  }

  @Override
  protected Tensor forward() {
    return isRowMajor(shape, strides)
        ? input(0).part(from, shape)
        : Elementwise.gather(input(0), from, shape, strides);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new Place(grad, from, strides, input(0).shape()).apply();
  }

  /** Zeros with elements where strides lead to: what {@link Slice} does, backwards. */
  static final class Place extends Formula {
    private final int from;
    private final int[] strides;
    private final int[] shape;

    Place(Tensor x, int from, int[] strides, int... shape) {
      super(x);
      this.from = from;
      this.strides = strides;
      this.shape = shape;
    }

    @Override
    protected Tensor forward() {
      return Elementwise.place(input(0), from, strides, shape);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new Slice(grad, from, input(0).shape(), strides).apply();
    }
  }
}
