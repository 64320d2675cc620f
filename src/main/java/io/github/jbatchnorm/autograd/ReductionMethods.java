package io.github.jbatchnorm.autograd;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Reductions over axes: over every axis where none is given; a negative axis counts from the end. A
 * reduced axis goes, or stays with size 1 where {@code keepDims} is true. Sums are accumulated in
 * f64 with compensation, in an order that depends on the shape alone. Each method throws
 * IllegalArgumentException if an axis is out of range or named twice.
 */
public sealed interface ReductionMethods permits Tensor {
  /** Returns the sum. */
  default Tensor sum(int... axes) {
    return sum(false, axes);
  }

  /** Returns the sum. */
  default Tensor sum(boolean keepDims, int... axes) {
    return new Sum(self(), Shapes.axes(self().ndim(), axes), keepDims).apply();
  }

  /** Returns the mean; NaN where the axes hold no elements. */
  default Tensor mean(int... axes) {
    return mean(false, axes);
  }

  /** Returns the mean; NaN where the axes hold no elements. */
  default Tensor mean(boolean keepDims, int... axes) {
    return sum(keepDims, axes).divide(count(axes));
  }

  /** Returns the biased variance, the mean of the squares of x - mean. */
  default Tensor var(int... axes) {
    return var(false, axes);
  }

  /** Returns the biased variance, the mean of the squares of x - mean. */
  default Tensor var(boolean keepDims, int... axes) {
    Tensor centred = self().subtract(mean(true, axes));
    return centred.multiply(centred).mean(keepDims, axes);
  }

  /** Returns this summed over the axes that broadcasting from {@code shape} repeats. */
  default Tensor sumTo(int... shape) {
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
    boolean[] reduced = Shapes.axes(self().ndim(), axes);
    int[] shape = self().shape();
    return IntStream.range(0, shape.length)
        .filter(axis -> reduced[axis])
        .map(axis -> shape[axis])
        .reduce(1, (a, b) -> a * b);
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
