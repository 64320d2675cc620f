package io.github.jbatchnorm.autograd;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Rearrangements of elements, and the matrix product. */
public sealed interface ShapeMethods permits Tensor {
  /**
   * Returns the same elements, row-major, in another shape; the memory is shared.
   *
   * @param shape the new axes; one may be -1: what is left
   * @throws IllegalArgumentException if the number of elements differs
   */
  default Tensor reshape(int... shape) {
    int[] whole = Shapes.complete(self().size(), shape);
    return Arrays.equals(whole, self().shape()) ? self() : new Reshape(self(), whole).apply();
  }

  /**
   * Returns a copy with its axes in another order: axis i of the result is axis {@code axes[i]} of
   * this.
   *
   * @param axes a permutation; none given means reversed
   * @throws IllegalArgumentException if the axes are no permutation
   */
  default Tensor transpose(int... axes) {
    int ndim = self().ndim();
    int[] permutation =
        axes.length == 0 ? IntStream.range(0, ndim).map(i -> ndim - 1 - i).toArray() : axes.clone();
    return new Transpose(self(), permutation).apply();
  }

  /**
   * Returns this repeated to a larger shape.
   *
   * @throws IllegalArgumentException if this does not broadcast to it
   */
  default Tensor broadcastTo(int... shape) {
    return Arrays.equals(self().shape(), shape)
        ? self()
        : new BroadcastTo(self(), shape.clone()).apply();
  }

  /**
   * Returns the matrix product, by OpenBLAS.
   *
   * @param other shape (K, N), where this has shape (M, K)
   * @throws IllegalArgumentException if either is no matrix or the inner sizes differ
   */
  default Tensor matmul(Tensor other) {
    return MatMul.of(self(), false, other, false);
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
