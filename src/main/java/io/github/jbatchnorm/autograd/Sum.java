package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;

/** The sum over some axes, in f64 with its rounding errors summed beside it. */
final class Sum extends Operation {
  private final boolean[] reduced;
  private final boolean keepDims;
  private final int[] kept;

  Sum(Tensor x, boolean[] reduced, boolean keepDims) {
    super(x);
    this.reduced = reduced;
    this.keepDims = keepDims;
    this.kept = x.shape();
    for (int axis = 0; axis < kept.length; axis++) {
      kept[axis] = reduced[axis] ? 1 : kept[axis];
    }
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage result = Storage.uninitialized(x.dtype(), Shapes.size(kept));
    ArrayKernels.current().sum(x.axes(), x.storage(), reduced, result);
    return Tensor.constant(result, keepDims ? kept : Shapes.without(x.axes(), reduced));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.reshape(kept).broadcastTo(input(0).shape());
  }
}
