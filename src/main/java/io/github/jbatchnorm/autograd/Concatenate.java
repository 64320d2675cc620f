package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.arrays.Strided;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Tensors one after the other along an axis; each gets its part of the gradient. */
final class Concatenate extends Formula {
  private final int axis;
  private final int[] shape;
  private final int[] starts;

  private Concatenate(int axis, int[] shape, int[] starts, Tensor... inputs) {
    super(inputs);
    this.axis = axis;
    this.shape = shape;
    this.starts = starts;
  }

  static Tensor of(int axis, List<Tensor> tensors) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("tensors: expected at least one");
    }
    Tensor first = tensors.get(0);
    int at = Shapes.axis(first.ndim(), axis);
    int[] shape = first.shape();
    int[] starts = new int[tensors.size()];
    shape[at] = 0;
    for (int i = 0; i < starts.length; i++) {
      int[] like = tensors.get(i).shape();
      starts[i] = shape[at];
      if (like.length == shape.length) {
        shape[at] = Math.addExact(shape[at], like[at]);
        like[at] = shape[at];
      }
      if (!Arrays.equals(like, shape)) {
        throw new IllegalArgumentException(
            "tensors: shape %s of tensor %s does not fit %s of the first but for axis %s"
                .formatted(Shapes.text(tensors.get(i).axes()), i, Shapes.text(first.axes()), at));
      }
    }
    DType dtype = tensors.stream().map(Tensor::dtype).reduce(first.dtype(), DType::promote);
    Tensor[] inputs = tensors.stream().map(x -> x.astype(dtype)).toArray(Tensor[]::new);
    return new Concatenate(at, shape, starts, inputs).apply();
  }

  @Override
  public Map<String, Object> attributes() {
    return Map.of("axis", axis);
  }

  @Override
  protected Tensor forward() {
    int[] strides = Shapes.strides(shape);
    Storage y = Storage.uninitialized(input(0).dtype(), Shapes.size(shape));
    for (int i = 0; i < starts.length; i++) {
      Tensor x = input(i);
      Strided from = Strided.of(x.storage(), 0, Shapes.strides(x.axes()));
      Strided to = Strided.of(y, starts[i] * strides[axis], strides);
      ArrayKernels.current().zip(ArrayFunction.COPY, 0, 0, x.axes(), from, from, to);
    }
    return Tensor.constant(y, shape);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    Index[] part = new Index[shape.length];
    Arrays.fill(part, Index.all());
    part[axis] = Index.range(starts[input], starts[input] + input(input).dim(axis));
    return grad.slice(part);
  }
}
