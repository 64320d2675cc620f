package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.Arrays;

/** A copy with the axes in another order. */
final class Transpose extends Operation {
  private final int[] axes;

  Transpose(Tensor x, int... axes) {
    super(x);
    if (axes.length != x.ndim()) {
      throw new IllegalArgumentException(
          "axes: expected a permutation of %s axes, got %s".formatted(x.ndim(), Shapes.text(axes)));
    }
    Shapes.axes(x.ndim(), axes); // in range, none twice
    this.axes = Arrays.stream(axes).map(axis -> axis < 0 ? axis + x.ndim() : axis).toArray();
  }

  @Override
  protected Tensor forward() {
    int[] from = input(0).shape();
    int[] fromStrides = Shapes.strides(from);
    int[] shape = Arrays.stream(axes).map(axis -> from[axis]).toArray();
    int[] strides = Arrays.stream(axes).map(axis -> fromStrides[axis]).toArray();
    return Elementwise.gather(input(0), 0, shape, strides);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    int[] inverse = new int[axes.length];
    for (int i = 0; i < axes.length; i++) {
      inverse[axes[i]] = i;
    }
    return grad.transpose(inverse);
  }
}
