package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.PickedElements;
import io.github.jbatchnorm.kernel.Pooling;
import io.github.jbatchnorm.kernel.Storage;

/**
 * The largest element of each window of the last axes; the gradient goes to it alone, to the first
 * of equals.
 */
final class MaxPool extends Operation {
  private final Pooling shape;
  private final PickedElements picks;

  MaxPool(Tensor x, Pooling shape) {
    super(x);
    this.shape = shape;
    this.picks = new PickedElements(Shapes.size(shape.outShape()));
  }

  /** Returns the pooled x. */
  static Tensor of(Tensor x, int[] window, int[] stride) {
    return new MaxPool(x, Pooling.of(x.axes(), window, stride)).apply();
  }

  @Override
  protected Tensor forward() {
    Storage y = Storage.uninitialized(input(0).dtype(), picks.length());
    Kernels.arrays().maxPool(shape, input(0).storage(), y, picks);
    return Tensor.constant(y, shape.outShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    if (NoAutodiff.isRecording()) {
      return new Scatter(grad, picks.toArray(), input(0).shape()).apply();
    }
    Storage dx = Storage.uninitialized(grad.dtype(), input(0).size());
    Kernels.arrays().maxUnpool(shape, grad.storage(), picks, dx);
    return Tensor.constant(dx, input(0).shape());
  }

  @Override
  void release() {
    picks.release();
  }
}
