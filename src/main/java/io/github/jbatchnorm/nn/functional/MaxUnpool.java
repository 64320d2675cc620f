package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.PickedElements;
import io.github.jbatchnorm.arrays.Pooling;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The gradient of {@link MaxPool}: each element added to the one that was picked. */
final class MaxUnpool extends Operation {
  private final Pooling shape;
  private final PickedElements picks;
  private final int[] inputShape;

  /** The picks for a gradient of this, where there may be one: MaxPool gives its own back. */
  private final int @Nullable [] kept;

  MaxUnpool(Tensor grad, Pooling shape, PickedElements picks, int... inputShape) {
    super(grad);
    this.shape = shape;
    this.picks = picks;
    this.inputShape = inputShape;
    this.kept = NoAutodiff.isRecording() ? picks.toArray() : null;
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  protected Tensor forward() {
    Tensor grad = input(0);
    Storage dx = Storage.uninitialized(grad.dtype(), Shapes.size(inputShape));
    ArrayKernels.current().maxUnpool(shape, grad.storage(), picks, dx);
    return Tensor.constant(dx, inputShape);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.reshape(-1).take(0, Objects.requireNonNull(kept)).reshape(shape.outShape());
  }
}
