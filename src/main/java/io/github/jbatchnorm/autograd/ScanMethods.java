package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.Arrays;
import java.util.List;

/**
 * What goes along an axis, and norms. Each method throws IllegalArgumentException if an axis is out
 * of range or named twice.
 */
sealed interface ScanMethods permits Tensor {
  /**
   * {@return the sum of all elements along an axis up to each one, that one included; in f64,
   * rounded to this dtype}
   *
   * @param axis which axis, negative from the end
   */
  default Tensor cumsum(int axis) {
    return new Reductions.CumulativeSum(self(), axis, false).apply();
  }

  /** {@return the sum of all elements up to each one, row-major, that one included: one axis} */
  default Tensor cumsum() {
    return self().flatten().cumsum(0);
  }

  /**
   * {@return the product of all elements along an axis up to each one, that one included} Computed
   * in pairs, each rounded to this dtype, so that zeros need no special case in its gradients.
   *
   * @param axis which axis, negative from the end
   */
  default Tensor cumprod(int axis) {
    int at = Shapes.axis(self().ndim(), axis);
    if (self().dim(at) < 2) {
      return self().multiply(1); // a tensor of its own
    }
    Index[] front = new Index[at + 1];
    Arrays.fill(front, Index.all());
    Index[] back = front.clone();
    Tensor products = self();
    for (int step = 1; step < self().dim(at); step *= 2) {
      front[at] = Index.to(step);
      back[at] = Index.from(step);
      Index[] earlier = front.clone();
      earlier[at] = Index.to(self().dim(at) - step);
      products =
          Concatenate.of(
              at,
              List.of(
                  products.slice(front), products.slice(back).multiply(products.slice(earlier))));
    }
    return products;
  }

  /**
   * {@return the product of all elements up to each one, row-major, that one included: one axis}
   */
  default Tensor cumprod() {
    return self().flatten().cumprod(0);
  }

  /**
   * {@return where along an axis the largest element is, the first of equals and a NaN before
   * anything: for each place in the other axes, in row-major order} Throws IllegalArgumentException
   * where the axis has no elements.
   *
   * @param axis which axis, negative from the end
   */
  default int[] argmax(int axis) {
    return Reductions.Rows.placesAlong(self(), axis, 1);
  }

  /** {@return where the largest of all elements is, row-major, as {@link #argmax(int)}} */
  default int argmax() {
    return Reductions.Rows.placesAlong(self().view(self().size()), 0, 1)[0];
  }

  /**
   * {@return where along an axis the smallest element is, as {@link #argmax(int)}}
   *
   * @param axis which axis, negative from the end
   */
  default int[] argmin(int axis) {
    return Reductions.Rows.placesAlong(self(), axis, -1);
  }

  /** {@return where the smallest of all elements is, row-major, as {@link #argmax(int)}} */
  default int argmin() {
    return Reductions.Rows.placesAlong(self().view(self().size()), 0, -1)[0];
  }

  /**
   * {@return the square root of the sum of squares; 0 with gradient 0 where all are 0}
   *
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor norm(int... axes) {
    return norm(2, false, axes);
  }

  /**
   * {@return as {@link #norm(int...)}}
   *
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   */
  default Tensor norm(boolean keepDims, int... axes) {
    return norm(2, keepDims, axes);
  }

  /**
   * {@return the norm of vectors, sum(|x|^ord)^(1/ord), as numpy.linalg.norm's; the largest |x| for
   * an infinite ord, the smallest for a negative infinite one} Over several axes it is that of the
   * vector of all their elements. The gradient at an element of 0 is 0, and so is that of a norm of
   * 0. 16 bits are computed in f32.
   *
   * @param ord not 0, and not NaN
   * @param keepDims whether the reduced axes stay, of size 1
   * @param axes those to reduce, negative ones from the end; none for all
   * @throws IllegalArgumentException if ord is 0 or NaN
   */
  default Tensor norm(double ord, boolean keepDims, int... axes) {
    if (ord == 0 || Double.isNaN(ord)) {
      throw new IllegalArgumentException(
          "ord: expected a number other than 0, got %s (x.notEqual(0).sum() counts elements)"
              .formatted(ord));
    }
    Tensor wide = self().astype(self().dtype().parameters());
    return Reductions.norm(wide, ord, keepDims, axes).astype(self().dtype());
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
