package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.Shapes;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Reductions over axes: over every axis where none is given; a negative axis counts from the end. A
 * reduced axis goes, or stays with size 1 where {@code keepDims} is true. Sums are accumulated in
 * f64 with compensation, in an order that depends on the shape alone; means and variances of 16
 * bits are computed in f32, as NumPy's. Each method throws IllegalArgumentException if an axis is
 * out of range or named twice.
 */
sealed interface ReductionMethods permits Tensor {
  /**
   * {@return the sum}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor sum(int... axes) {
    return sum(false, axes);
  }

  /**
   * {@return the sum}
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor sum(boolean keepDims, int... axes) {
    return new Reductions.Sum(self(), Shapes.axes(self().ndim(), axes), keepDims).apply();
  }

  /**
   * {@return the mean; NaN where the axes hold no elements}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor mean(int... axes) {
    return mean(false, axes);
  }

  /**
   * {@return the mean; NaN where the axes hold no elements}
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor mean(boolean keepDims, int... axes) {
    return wide().sum(keepDims, axes).divide(count(axes)).astype(self().dtype());
  }

  /**
   * {@return the biased variance, the mean of the squares of x - mean}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor var(int... axes) {
    return var(false, axes);
  }

  /**
   * {@return the biased variance, the mean of the squares of x - mean}
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor var(boolean keepDims, int... axes) {
    return var(0, keepDims, axes);
  }

  /**
   * {@return the sum of the squares of x - mean, divided by the number of elements less ddof: 1 for
   * the unbiased variance} Where no more than ddof elements are left, NaN or infinite.
   *
   * @param ddof what is taken off the number of elements, 0 or more
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @throws IllegalArgumentException if ddof is below 0
   */
  default Tensor var(int ddof, boolean keepDims, int... axes) {
    if (ddof < 0) {
      throw new IllegalArgumentException("ddof: expected 0 or more, got " + ddof);
    }
    Tensor x = wide();
    Tensor centred = x.subtract(x.mean(true, axes));
    return centred
        .multiply(centred)
        .sum(keepDims, axes)
        .divide(Math.max(0, count(axes) - ddof))
        .astype(self().dtype());
  }

  /**
   * {@return the square root of the biased variance; 0 with gradient 0 where all are equal}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor std(int... axes) {
    return std(false, axes);
  }

  /**
   * {@return the square root of the biased variance; 0 with gradient 0 where all are equal}
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor std(boolean keepDims, int... axes) {
    return std(0, keepDims, axes);
  }

  /**
   * {@return the square root of {@link #var(int, boolean, int...)}; 0 with gradient 0 where all are
   * equal}
   *
   * @param ddof what is taken off the number of elements, 0 or more
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @throws IllegalArgumentException if ddof is below 0
   */
  default Tensor std(int ddof, boolean keepDims, int... axes) {
    Tensor var = var(ddof, keepDims, axes);
    Tensor spread = Comparisons.sign(spread(keepDims, axes));
    // The root's derivative at 0 is infinite: it is not taken. A rounded mean may leave a little.
    Tensor none = Comparisons.zero(Elementwise.of(ArrayFunction.MULTIPLY, var, spread));
    Tensor one = Tensor.constantScalar(var.dtype(), 1);
    Tensor zero = Tensor.constantScalar(var.dtype(), 0);
    return Tensors.where(none, zero, Tensors.where(none, one, var).sqrt());
  }

  /** The sum of the distances from the first element, a constant: 0 where all are equal. */
  private Tensor spread(boolean keepDims, int... axes) {
    boolean[] reduced = Shapes.axes(self().ndim(), axes);
    Index[] first =
        IntStream.range(0, reduced.length)
            .mapToObj(axis -> reduced[axis] ? Index.to(1) : Index.all())
            .toArray(Index[]::new);
    return NoAutodiff.call(() -> self().subtract(self().slice(first)).abs().sum(keepDims, axes));
  }

  /**
   * {@return the largest element, NaN if there is one; the gradient goes to the first of equals}
   * Throws IllegalArgumentException where the axes hold no elements.
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor max(int... axes) {
    return max(false, axes);
  }

  /**
   * As {@link #max(int...)}.
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @return the largest elements
   */
  default Tensor max(boolean keepDims, int... axes) {
    boolean[] reduced = Shapes.axes(self().ndim(), axes);
    return Reductions.Rows.reduce(
        self(), reduced, keepDims, rows -> Reductions.Rows.largest(rows, 1));
  }

  /**
   * {@return the smallest element, as {@link #max(int...)}}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor min(int... axes) {
    return min(false, axes);
  }

  /**
   * As {@link #min(int...)}.
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @return the smallest elements
   */
  default Tensor min(boolean keepDims, int... axes) {
    boolean[] reduced = Shapes.axes(self().ndim(), axes);
    return Reductions.Rows.reduce(
        self(), reduced, keepDims, rows -> Reductions.Rows.largest(rows, -1));
  }

  /**
   * {@return the product, 1 where the axes hold no elements}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor prod(int... axes) {
    return prod(false, axes);
  }

  /**
   * {@return the product, 1 where the axes hold no elements}
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor prod(boolean keepDims, int... axes) {
    return Reductions.Rows.reduce(
        self(), Shapes.axes(self().ndim(), axes), keepDims, Reductions.Rows::product);
  }

  /**
   * {@return this summed over the axes that broadcasting from {@code shape} repeats}
   *
   * @param shape one that broadcasts to this one's
   */
  default Tensor sumTo(int... shape) {
    Objects.requireNonNull(shape, "shape");
    int[] own = self().shape();
    if (Arrays.equals(own, shape)) {
      return self();
    }
    if (!Arrays.equals(Shapes.broadcast(shape, own), own)) {
      throw new IllegalArgumentException(
          "shape: %s does not broadcast to %s".formatted(Shapes.text(shape), Shapes.text(own)));
    }
    int added = own.length - shape.length;
    int[] axes =
        IntStream.range(0, own.length)
            .filter(axis -> axis < added || shape[axis - added] != own[axis])
            .toArray();
    return axes.length == 0 ? self().reshape(shape) : sum(true, axes).reshape(shape);
  }

  private int count(int... axes) {
    return Shapes.size(Shapes.only(self().axes(), Shapes.axes(self().ndim(), axes)));
  }

  private Tensor wide() {
    return self().astype(self().dtype().parameters());
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
