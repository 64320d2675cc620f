package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.memory.DType;

/** x in another dtype. */
final class Cast extends Operation {
  private final DType dtype;

  Cast(Tensor x, DType dtype) {
    super(x);
    this.dtype = dtype;
  }

  @Override
  protected Tensor forward() {
    return Elementwise.map(a -> a, input(0), dtype);
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.astype(input(0).dtype());
  }
}
