package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.stream.IntStream;

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

  /** Returns it over some axes. */
  static Tensor over(Tensor x, int... axes) {
    boolean[] summed = Shapes.axes(x.ndim(), axes);
    int[] order =
        IntStream.concat(
                IntStream.range(0, x.ndim()).filter(a -> !summed[a]),
                IntStream.range(0, x.ndim()).filter(a -> summed[a]))
            .toArray();
    boolean inOrder = IntStream.range(0, order.length).allMatch(i -> order[i] == i);
    Tensor last = inOrder ? x : x.transpose(order);
    int[] rows = Arrays.copyOf(last.shape(), x.ndim() - axes.length + 1);
    rows[rows.length - 1] = Shapes.size(Shapes.only(x.shape(), summed));
    Tensor y = new LogSoftmax(last.reshape(rows)).apply().reshape(last.shape());
    int[] back = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      back[order[i]] = i;
    }
    return inOrder ? y : y.transpose(back);
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
