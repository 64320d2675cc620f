package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;

/** The sums, in f64, of all elements along an axis up to each one, or from each one on. */
final class CumulativeSum extends Operation {
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
