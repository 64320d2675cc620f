package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;

/** A part of a model. Used by one thread at a time. */
public interface Layer {
  /**
   * Returns the layer's output.
   *
   * @param x the input; its shape is the layer's matter
   * @param mode whether the layer trains or is evaluated
   */
  Tensor forward(Tensor x, Mode mode);

  /** Shows the layer's state to a visitor, in a fixed order; nothing for a layer without state. */
  default void visit(StateVisitor visitor) {}
}
