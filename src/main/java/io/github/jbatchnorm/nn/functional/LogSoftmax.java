package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;

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
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage y = Storage.uninitialized(x.dtype(), x.size());
    ArrayKernels.current().logSoftmax(x.dim(-1), x.storage(), y);
    return Tensor.constant(y, x.shape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.subtract(output().exp().multiply(grad.sum(true, -1)));
  }
}
