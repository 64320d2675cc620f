package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** More positions of x of shape (N, C, ...), by whole factors. */
final class Upsampling {
  private Upsampling() {}

  /** Returns each element so often along each axis. */
  static Tensor nearest(Tensor x, int... factors) {
    int[] all = checked(x, factors);
    int[] apart = new int[2 * all.length + 1];
    int[] repeated = new int[apart.length];
    int[] shape = x.shape();
    apart[0] = Shapes.size(x.dim(0), x.dim(1));
    repeated[0] = apart[0];
    for (int d = 0; d < all.length; d++) {
      apart[2 * d + 1] = x.dim(d + 2);
      apart[2 * d + 2] = 1;
      repeated[2 * d + 1] = x.dim(d + 2);
      repeated[2 * d + 2] = all[d];
      shape[d + 2] = Shapes.size(x.dim(d + 2), all[d]);
    }
    return x.reshape(apart).broadcastTo(repeated).reshape(shape);
  }

  /** Returns values on the lines between elements, which lie in the middle of what they become. */
  static Tensor linear(Tensor x, int... factors) {
    int[] all = checked(x, factors);
    DType dtype = x.dtype();
    Tensor y = x.astype(Products.computed(dtype));
    for (int d = 0; d < all.length; d++) {
      y = all[d] == 1 ? y : along(y, d + 2, all[d]);
    }
    return y.astype(dtype);
  }

  /** Element i becomes those at i + (r + 1/2) / factor - 1/2, for r from 0 to factor - 1. */
  private static Tensor along(Tensor x, int axis, int factor) {
    Tensor before = Tensors.concatenate(axis, part(x, axis, null, 1), part(x, axis, null, -1));
    Tensor after = Tensors.concatenate(axis, part(x, axis, 1, null), part(x, axis, -1, null));
    Tensor[] places = new Tensor[factor];
    for (int r = 0; r < factor; r++) {
      double offset = (2 * r + 1 - factor) / (2.0 * factor);
      Tensor neighbour = offset < 0 ? before : after;
      places[r] = offset == 0 ? x : x.add(neighbour.subtract(x).multiply(Math.abs(offset)));
    }
    int[] shape = x.shape();
    shape[axis] = Shapes.size(shape[axis], factor);
    return Tensors.stack(axis + 1, places).reshape(shape);
  }

  private static Tensor part(Tensor x, int axis, @Nullable Integer from, @Nullable Integer to) {
    Index[] indices = new Index[axis + 1];
    Arrays.fill(indices, Index.all());
    indices[axis] = new Index.Range(from, to, 1);
    return x.slice(indices);
  }

  private static int[] checked(Tensor x, int... factors) {
    int dimensions = x.ndim() - 2;
    boolean fits = factors.length == 1 || factors.length == dimensions;
    if (dimensions < 1 || !fits || Arrays.stream(factors).anyMatch(factor -> factor < 1)) {
      throw new IllegalArgumentException(
          "factors: expected one or one for each axis of x (N, C, ...), 1 or more, got %s for %s"
              .formatted(Shapes.text(factors), Shapes.text(x.shape())));
    }
    return ConvOptions.each(dimensions, factors);
  }
}
