package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Storage;

/** Elements picked by their row-major index; the gradient goes back to where they came from. */
final class Gather extends Operation {
  private final int[] indices;
  private final int[] shape;

  /** Makes the operation; {@code indices} has the elements of {@code shape}, each within x. */
  Gather(Tensor x, int[] indices, int... shape) {
    super(x);
    this.indices = indices;
    this.shape = shape;
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage result = Storage.allocate(x.dtype(), indices.length);
    for (int i = 0; i < indices.length; i++) {
      result.set(i, x.storage().get(indices[i]));
    }
    return Tensor.constant(result, shape);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new Scatter(grad, indices, input(0).shape()).apply();
  }
}
