package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Storage;

/**
 * x - log(sum(exp(x))) over the last axis, computed after the row's largest element is taken off,
 * so that nothing overflows. The gradient is grad - softmax sum(grad).
 */
final class LogSoftmax extends Operation {
  LogSoftmax(Tensor x) {
    super(x);
    if (x.ndim() == 0) {
      throw new IllegalArgumentException("x: expected at least one axis, got shape ()");
    }
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage y = Storage.uninitialized(x.dtype(), x.size());
    Kernels.arrays().logSoftmax(x.dim(-1), x.storage(), y);
    return Tensor.constant(y, x.axes());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.subtract(output().exp().multiply(grad.sum(true, -1)));
  }
}
