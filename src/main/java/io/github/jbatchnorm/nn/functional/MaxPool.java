package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.PickedElements;
import io.github.jbatchnorm.arrays.Pooling;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;

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
    return new MaxPool(x, Pooling.of(x.shape(), window, stride)).apply();
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return shape.attributes();
  }

  @Override
  protected Tensor forward() {
    Storage y = Storage.uninitialized(input(0).dtype(), picks.length());
    ArrayKernels.current().maxPool(shape, input(0).storage(), y, picks);
    return Tensor.constant(y, shape.outShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new MaxUnpool(grad, shape, picks, input(0).shape()).apply();
  }

  @Override
  protected void release() {
    picks.release();
  }
}
