package io.github.jbatchnorm.autograd;

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
    Storage result = Storage.allocate(x.dtype(), x.size());
    double[] row = new double[x.dim(-1)];
    for (int at = 0; at < x.size(); at += row.length) {
      x.storage().read(at, row, 0, row.length);
      normalize(row);
      result.write(at, row, 0, row.length);
    }
    return Tensor.constant(result, x.shape());
  }

  private static void normalize(double[] row) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double value : row) {
      largest = Math.max(largest, value);
    }
    double sum = 0;
    for (double value : row) {
      sum += StrictMath.exp(value - largest);
    }
    double log = StrictMath.log(sum);
    for (int i = 0; i < row.length; i++) {
      row[i] = row[i] - largest - log;
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.subtract(output().exp().multiply(grad.sum(true, -1)));
  }
}
