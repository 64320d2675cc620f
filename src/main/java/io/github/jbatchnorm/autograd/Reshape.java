package io.github.jbatchnorm.autograd;

/** The same elements in another shape; the memory is shared. */
final class Reshape extends Operation {
  private final int[] from;
  private final int[] to;

  Reshape(Tensor x, int... to) {
    super(x);
    this.from = x.shape();
    this.to = to;
  }

  @Override
  protected Tensor forward() {
    return input(0).view(to);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.reshape(from);
  }
}
