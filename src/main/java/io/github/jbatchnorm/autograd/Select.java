package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;

/** x where the condition is other than 0, else y; what is not chosen has no part in anything. */
final class Select extends Operation {
  Select(Tensor condition, Tensor x, Tensor y) {
    super(x, y, condition.asConstant()); // an input, so that its changes are noticed
  }

  @Override
  protected Tensor forward() {
    int[] both = Shapes.broadcast(input(0).axes(), input(1).axes());
    int[] shape = Shapes.broadcast(input(2).axes(), both);
    Storage test = input(2).broadcastTo(shape).storage();
    Storage x = input(0).broadcastTo(shape).storage();
    Storage y = input(1).broadcastTo(shape).storage();
    Storage result =
        Storage.uninitialized(
            DType.promote(input(0).dtype(), input(1).dtype()), Shapes.size(shape));
    for (int i = 0; i < result.length(); i++) {
      result.set(i, test.get(i) != 0 ? x.get(i) : y.get(i));
    }
    return Tensor.constant(result, shape);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    Tensor zero = Tensor.constantScalar(grad.dtype(), 0);
    return input == 0
        ? new Select(input(2), grad, zero).apply()
        : new Select(input(2), zero, grad).apply();
  }
}
