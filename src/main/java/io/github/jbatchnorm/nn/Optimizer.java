package io.github.jbatchnorm.nn;

/** Changes parameters by their gradients. Used by one thread at a time. */
public interface Optimizer {
  /** Changes each parameter that has a gradient, once. */
  void step();

  /** Shows the optimizer's state to a visitor, in a fixed order. */
  void visit(StateVisitor visitor);
}
