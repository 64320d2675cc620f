package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.Map;

/** Rows of a matrix by their numbers; one of them may be padding, which gets no gradient. */
final class Lookup extends Operation {
  private static final int NO_PADDING = -1;

  private final Rows rows;
  private final boolean withoutPadding;

  /** Which row each place has, and which of them counts for nothing in gradients: -1 for none. */
  private static final class Rows {
    final Tensor indices;
    final int[] numbers;
    final int padding;
    final int[] shape; // the places'

    Rows(Tensor indices, int[] numbers, int padding) {
      this.indices = indices;
      this.numbers = numbers;
      this.padding = padding;
      this.shape = indices.shape();
    }

    boolean isPadding(int place) {
      return numbers[place] == padding;
    }
  }

  private Lookup(Tensor weight, Rows rows, boolean withoutPadding) {
    super(weight);
    this.rows = rows;
    this.withoutPadding = withoutPadding;
  }

  static Tensor of(Tensor indices, Tensor weight) {
    checkWeight(weight);
    return new Lookup(weight, rows(indices, weight.dim(0), NO_PADDING), false).apply();
  }

  static Tensor of(Tensor indices, Tensor weight, int padding) {
    checkWeight(weight);
    if (padding < 0 || padding >= weight.dim(0)) {
      throw new IllegalArgumentException(
          "paddingIndex: expected 0 to %s, got %s".formatted(weight.dim(0) - 1, padding));
    }
    return new Lookup(weight, rows(indices, weight.dim(0), padding), false).apply();
  }

  private static void checkWeight(Tensor weight) {
    if (weight.ndim() != 2) {
      throw new IllegalArgumentException(
          "weight: expected shape (rows, features), got " + Shapes.text(weight.shape()));
    }
  }

  private static Rows rows(Tensor indices, int count, int padding) {
    int[] numbers = new int[indices.size()];
    for (int i = 0; i < numbers.length; i++) {
      double value = indices.storage().get(i);
      numbers[i] = (int) value;
      if (numbers[i] != value || value < 0 || value >= count) {
        throw new IllegalArgumentException(
            "indices: expected whole numbers from 0 to %s, got %s (element %s)"
                .formatted(count - 1, value, i));
      }
    }
    return new Rows(indices, numbers, padding);
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return Map.of("indices", rows.indices);
  }

  @Override
  protected Tensor forward() {
    Storage from = input(0).storage();
    int width = input(0).dim(1);
    int[] shape = Arrays.copyOf(rows.shape, rows.shape.length + 1);
    shape[rows.shape.length] = width;
    Storage y = Storage.allocate(from.dtype(), Shapes.size(shape));
    for (int i = 0; i < rows.numbers.length; i++) {
      if (!withoutPadding || !rows.isPadding(i)) {
        y.copy(from, rows.numbers[i] * width, i * width, width);
      }
    }
    return Tensor.constant(y, shape);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new Sums(grad, rows, input(0).dim(0)).apply();
  }

  /**
   * The gradient of the matrix: in each row the sum of its places' gradients, in f64, in the
   * places' order, rounded once.
   */
  static final class Sums extends Operation {
    private final Rows rows;
    private final int count;

    private Sums(Tensor grad, Rows rows, int count) {
      super(grad);
      this.rows = rows;
      this.count = count;
    }

    @Override
    public String name() {
      return "LookupGradient";
    }

    @Override
    protected boolean leavesTemporaries() {
      return true;
    }

    @Override
    protected Tensor forward() {
      Storage grad = input(0).storage();
      int width = input(0).dim(-1);
      Storage sums = Storage.allocate(grad.dtype(), Shapes.size(count, width));
      int[] order = order();
      double[] sum = new double[width];
      double[] part = new double[width];
      for (int i = 0; i < order.length; i++) {
        int row = rows.numbers[order[i]];
        grad.read(order[i] * width, part, 0, width);
        for (int f = 0; f < width; f++) {
          sum[f] += part[f];
        }
        if (i + 1 == order.length || rows.numbers[order[i + 1]] != row) {
          sums.write(row * width, sum, 0, width);
          Arrays.fill(sum, 0);
        }
      }
      return Tensor.constant(sums, count, width);
    }

    /** Returns the places but those of padding, by their rows, each row's in order. */
    private int[] order() {
      int[] next = new int[count + 1];
      for (int place = 0; place < rows.numbers.length; place++) {
        next[rows.numbers[place] + 1] += rows.isPadding(place) ? 0 : 1;
      }
      for (int row = 0; row < count; row++) {
        next[row + 1] += next[row];
      }
      int[] order = new int[next[count]];
      for (int place = 0; place < rows.numbers.length; place++) {
        if (!rows.isPadding(place)) {
          order[next[rows.numbers[place]]++] = place;
        }
      }
      return order;
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new Lookup(grad, rows, true).apply();
    }
  }
}
