package io.github.jbatchnorm.autograd;

/** An operation whose backward keeps nothing of what it makes but the gradients it returns. */
abstract class Formula extends Operation {
  Formula(Tensor... inputs) {
    super(inputs);
  }

  @Override
  protected final boolean leavesTemporaries() {
    return true;
  }
}
