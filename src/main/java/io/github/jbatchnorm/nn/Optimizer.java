package io.github.jbatchnorm.nn;

/** Changes parameters by their gradients. Used by one thread at a time. */
public interface Optimizer {
  /** Changes each parameter that has a gradient, once. */
  void step();

  /**
   * Sets the learning rate of the steps to come.
   *
   * @param rate the step size from now on
   * @throws IllegalArgumentException if it is not finite and more than 0
   */
  void learningRate(double rate);

  /**
   * Shows the optimizer's state to a visitor, in a fixed order.
   *
   * @param visitor who is shown it
   */
  void visit(StateVisitor visitor);
}
