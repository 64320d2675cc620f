package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Operations along axes. */
final class Reductions {
  private Reductions() {}

  /** The sum over some axes, in f64 with its rounding errors summed beside it. */
  static final class Sum extends Formula {
    private final boolean[] reduced;
    private final boolean keepDims;
    private final int[] kept;

    Sum(Tensor x, boolean[] reduced, boolean keepDims) {
      super(x);
      this.reduced = reduced;
      this.keepDims = keepDims;
      this.kept = x.shape();
      for (int axis = 0; axis < kept.length; axis++) {
        kept[axis] = reduced[axis] ? 1 : kept[axis];
      }
    }

    @Override
    public Map<String, Object> attributes() {
      return Map.of("axes", Shapes.numbers(reduced), "keepDims", keepDims);
    }

    @Override
    protected Tensor forward() {
      Tensor x = input(0);
      Storage result = Storage.uninitialized(x.dtype(), Shapes.size(kept));
      ArrayKernels.current().sum(x.axes(), x.storage(), reduced, result);
      return Tensor.constant(result, keepDims ? kept : Shapes.without(x.axes(), reduced));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.reshape(kept).broadcastTo(input(0).shape());
    }
  }

  /** Returns the norm of vectors; roots and powers of 0 have the gradient 0. */
  static Tensor norm(Tensor x, double ord, boolean keepDims, int... axes) {
    Tensor size = x.abs();
    if (Double.isInfinite(ord)) {
      return ord > 0 ? size.max(keepDims, axes) : size.min(keepDims, axes);
    }
    if (ord == 1) {
      return size.sum(keepDims, axes);
    }
    Tensor sum =
        ord == 2
            ? x.square().sum(keepDims, axes)
            : unlessZero(size, t -> t.pow(ord), ord).sum(keepDims, axes);
    return unlessZero(sum, t -> ord == 2 ? t.sqrt() : t.pow(1 / ord), ord);
  }

  /** Returns a power of x; where x is 0, its value with gradient 0. */
  private static Tensor unlessZero(Tensor x, UnaryOperator<Tensor> power, double sign) {
    Tensor none = Comparisons.zero(x);
    double ofZero = sign > 0 ? 0 : Double.POSITIVE_INFINITY;
    Tensor one = Tensor.constantScalar(x.dtype(), 1);
    Tensor rest = power.apply(new Comparisons.Select(none, one, x).apply());
    return new Comparisons.Select(none, Tensor.constantScalar(x.dtype(), ofZero), rest).apply();
  }

  /** The sums, in f64, of all elements along an axis up to each one, or from each one on. */
  static final class CumulativeSum extends Formula {
    private final int axis;
    private final boolean reverse;

    CumulativeSum(Tensor x, int axis, boolean reverse) {
      super(x);
      this.axis = Shapes.axis(x.ndim(), axis);
      this.reverse = reverse;
    }

    @Override
    protected Tensor forward() {
      Tensor x = input(0);
      int size = x.dim(axis);
      int stride = Shapes.strides(x.axes())[axis];
      Storage y = Storage.uninitialized(x.dtype(), x.size());
      for (int line = 0; size > 0 && line < x.size() / size; line++) {
        int first = line / stride * stride * size + line % stride;
        double sum = 0;
        for (int i = 0; i < size; i++) {
          int at = first + (reverse ? size - 1 - i : i) * stride;
          sum += x.storage().get(at);
          y.set(at, sum);
        }
      }
      return Tensor.constant(y, x.axes());
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new CumulativeSum(grad, axis, !reverse).apply();
    }
  }

  /** Reductions that go through the elements of each output as a row of a matrix. */
  static final class Rows {
    private Rows() {}

    /** Returns {@code reduce} of x as a matrix, a row for each output, in the outputs' shape. */
    static Tensor reduce(
        Tensor x, boolean[] reduced, boolean keepDims, UnaryOperator<Tensor> reduce) {
      int[] order =
          IntStream.concat(
                  IntStream.range(0, reduced.length).filter(axis -> !reduced[axis]),
                  IntStream.range(0, reduced.length).filter(axis -> reduced[axis]))
              .toArray();
      int[] kept = Shapes.without(x.axes(), reduced);
      int rows = Shapes.size(kept);
      int columns = Shapes.size(Shapes.only(x.axes(), reduced));
      boolean inOrder = IntStream.range(0, order.length).allMatch(i -> order[i] == i);
      Tensor y = reduce.apply((inOrder ? x : x.transpose(order)).reshape(rows, columns));
      int[] shape = x.shape();
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = reduced[axis] ? 1 : shape[axis];
      }
      return y.reshape(keepDims ? shape : kept);
    }

    /** Returns the largest element of each row, the first of equals and a NaN before anything. */
    static Tensor largest(Tensor matrix, int sign) {
      return new Indexing.Gather(matrix, places(matrix, sign), matrix.dim(0)).apply();
    }

    /**
     * Returns for each line along an axis where the largest element is, the first of equals and a
     * NaN before anything; the lines in row-major order.
     */
    static int[] placesAlong(Tensor x, int axis, int sign) {
      int at = Shapes.axis(x.ndim(), axis);
      int columns = x.dim(at);
      boolean[] gone = new boolean[x.ndim()];
      gone[at] = true;
      int rows = Shapes.size(Shapes.without(x.axes(), gone));
      Tensor matrix = NoAutodiff.call(() -> x.moveAxis(at, -1)).view(rows, columns);
      int[] places = places(matrix, sign);
      for (int row = 0; row < places.length; row++) {
        places[row] -= row * columns;
      }
      return places;
    }

    private static int[] places(Tensor matrix, int sign) {
      int rows = matrix.dim(0);
      int columns = matrix.dim(1);
      if (columns == 0 && rows > 0) {
        throw new IllegalArgumentException("x: no elements to choose from along the axes");
      }
      int[] picked = new int[rows];
      for (int row = 0; row < rows; row++) {
        int best = row * columns;
        for (int at = best + 1; at < (row + 1) * columns; at++) {
          double value = sign * matrix.storage().get(at);
          double most = sign * matrix.storage().get(best);
          best = value <= most || Double.isNaN(most) ? best : at;
        }
        picked[row] = best;
      }
      return picked;
    }

    /** Returns the product of each row: pair by pair, so that zeros need no special case. */
    static Tensor product(Tensor matrix) {
      Tensor rest = matrix.dim(1) == 1 ? matrix.multiply(1) : matrix; // never x's own memory
      while (rest.dim(1) > 1) {
        int half = rest.dim(1) / 2;
        Tensor pairs =
            rest.slice(Index.all(), Index.to(half))
                .multiply(rest.slice(Index.all(), Index.range(half, 2 * half)));
        rest =
            rest.dim(1) == 2 * half
                ? pairs
                : Tensors.concatenate(1, pairs, rest.slice(Index.all(), Index.from(2 * half)));
      }
      return rest.dim(1) == 0
          ? Tensor.constantScalar(matrix.dtype(), 1).broadcastTo(matrix.dim(0))
          : rest.reshape(matrix.dim(0));
    }
  }
}
