package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.random.RandomGenerator;

/** Makes the initial weights of a layer; {@link Initializers} has the usual ones. */
@FunctionalInterface
public interface Initializer {
  /**
   * Returns a variable.
   *
   * @param random where numbers come from, drawn in the order of memory
   * @param fanIn how many inputs each output has
   * @param fanOut how many outputs each input has
   */
  Tensor create(RandomGenerator random, int fanIn, int fanOut, int... shape);
}
