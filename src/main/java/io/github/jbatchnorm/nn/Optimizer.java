package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.function.ToDoubleBiFunction;

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
   * Sets learning rates by group: from now on a parameter's is {@link #learningRate} times its
   * factor, and so a schedule moves all groups together. Decay that goes beside the gradient
   * (AdamW) has the same rate. What is not to be trained is not given to the optimizer.
   *
   * <p>{@code optimizer.rateFactors((name, p) -> name.startsWith("dense.") ? 1 : 0.1)}
   *
   * @param factors the factor of each parameter, by name and tensor; asked once, now
   * @throws IllegalArgumentException if one is not finite and more than 0; nothing changes then
   */
  void rateFactors(ToDoubleBiFunction<String, Tensor> factors);

  /**
   * Shows the optimizer's state to a visitor, in a fixed order.
   *
   * @param visitor who is shown it
   */
  void visit(StateVisitor visitor);
}
