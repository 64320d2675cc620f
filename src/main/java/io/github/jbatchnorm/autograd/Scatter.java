package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;

/** Elements added to zeros at row-major indices: what {@link Gather} does, backwards. */
final class Scatter extends Operation {
  private final int[] indices;
  private final int[] shape;

  Scatter(Tensor x, int[] indices, int... shape) {
    super(x);
    this.indices = indices;
    this.shape = shape;
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage result = Storage.allocate(x.dtype(), Shapes.size(shape));
    for (int i = 0; i < indices.length; i++) {
      int to = indices[i];
      result.set(to, result.get(to) + x.storage().get(i));
    }
    return Tensor.constant(result, shape);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new Gather(grad, indices, input(0).shape()).apply();
  }
}
