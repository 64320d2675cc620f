package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;

/** x repeated to a larger shape; the gradient is summed back. */
final class BroadcastTo extends Operation {
  private final int[] to;

  BroadcastTo(Tensor x, int... to) {
    super(x);
    this.to = to;
    Shapes.size(to); // no negative axes
    Shapes.checkBroadcast("this", x.axes(), to);
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    return Elementwise.gather(x, 0, to, Shapes.broadcastStrides(x.shape(), to));
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.sumTo(input(0).shape());
  }
}
