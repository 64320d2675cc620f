package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.Map;

/** The same elements in another shape, order or dtype. */
final class Shaping {
  private Shaping() {}

  /** The same elements in another shape; the memory is shared. */
  static final class Reshape extends Formula {
    private final int[] from;
    private final int[] to;

    Reshape(Tensor x, int... to) {
      super(x);
      this.from = x.shape();
      this.to = to;
    }

    @Override
    protected Tensor forward() {
      return input(0).view(to);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.reshape(from);
    }
  }

  /** A copy with the axes in another order. */
  static final class Transpose extends Formula {
    private final int[] axes;

    Transpose(Tensor x, int... axes) {
      super(x);
      if (axes.length != x.ndim()) {
        throw new IllegalArgumentException(
            "axes: expected a permutation of %s axes, got %s"
                .formatted(x.ndim(), Shapes.text(axes)));
      }
      Shapes.axes(x.ndim(), axes); // in range, none twice
      this.axes = Arrays.stream(axes).map(axis -> axis < 0 ? axis + x.ndim() : axis).toArray();
    }

    @Override
    public Map<String, Object> attributes() {
      return Map.of("axes", axes.clone());
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

  /** x repeated to a larger shape; the gradient is summed back. */
  static final class BroadcastTo extends Formula {
    private final int[] to;

    BroadcastTo(Tensor x, int... to) {
      super(x);
      this.to = to;
      Shapes.size(to); // no negative axes
      Shapes.checkBroadcast("this", x.axes(), to);
    }

    @Override
    protected Tensor forward() {
      Tensor x = input(0);
      return Elementwise.gather(x, 0, to, Shapes.broadcastStrides(x.shape(), to));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.sumTo(input(0).shape());
    }
  }

  /** x in another dtype. */
  static final class Cast extends Formula {
    private final DType dtype;

    Cast(Tensor x, DType dtype) {
      super(x);
      this.dtype = dtype;
    }

    @Override
    protected Tensor forward() {
      Tensor x = input(0);
      Storage y = Storage.uninitialized(dtype, x.size());
      ArrayKernels.current().cast(x.storage(), y);
      return Tensor.constant(y, x.axes());
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.astype(input(0).dtype());
    }
  }
}
