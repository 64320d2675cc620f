package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.random.RandomGenerator;

/**
 * Makes the initial weights of a layer. The usual ones, here, are f32, the same on every machine
 * for the same generator.
 */
@FunctionalInterface
public interface Initializer {
  /**
   * {@return a variable}
   *
   * @param random where numbers come from, drawn in the order of memory
   * @param fanIn how many inputs each output has
   * @param fanOut how many outputs each input has
   * @param shape of the weights
   */
  Tensor create(RandomGenerator random, int fanIn, int fanOut, int... shape);

  /** {@return numbers uniform in +-sqrt(6 / fanIn), of variance 2 / fanIn (He et al., 2015)} */
  static Initializer heUniform() {
    return (random, in, out, shape) ->
        symmetric(Math.sqrt(6.0 / in)).create(random, in, out, shape);
  }

  /** {@return normal numbers of variance 2 / fanIn (He et al., 2015)} */
  static Initializer heNormal() {
    return (random, in, out, shape) ->
        normal(0, Math.sqrt(2.0 / in)).create(random, in, out, shape);
  }

  /**
   * {@return numbers uniform in +-sqrt(6 / (fanIn + fanOut)), of variance 2 / (fanIn + fanOut)
   * (Glorot and Bengio, 2010)}
   */
  static Initializer glorotUniform() {
    return (random, in, out, shape) ->
        symmetric(Math.sqrt(6.0 / (in + out))).create(random, in, out, shape);
  }

  /** {@return normal numbers of variance 2 / (fanIn + fanOut) (Glorot and Bengio, 2010)} */
  static Initializer glorotNormal() {
    return (random, in, out, shape) ->
        normal(0, Math.sqrt(2.0 / (in + out))).create(random, in, out, shape);
  }

  /** {@return numbers uniform in +-1 / sqrt(fanIn): PyTorch's default} */
  static Initializer fanInUniform() {
    return (random, in, out, shape) -> symmetric(1 / Math.sqrt(in)).create(random, in, out, shape);
  }

  /**
   * {@return numbers uniform from low to high}
   *
   * @param low the lower bound
   * @param high the upper bound
   */
  static Initializer uniform(double low, double high) {
    return (random, in, out, shape) -> Tensors.uniform(DType.F32, random, low, high, shape);
  }

  /**
   * {@return normal numbers}
   *
   * @param mean the mean
   * @param std the standard deviation
   */
  static Initializer normal(double mean, double std) {
    return (random, in, out, shape) -> Tensors.normal(DType.F32, random, mean, std, shape);
  }

  /**
   * {@return one value}
   *
   * @param value of every weight
   */
  static Initializer constant(double value) {
    return (random, in, out, shape) -> Tensors.full(DType.F32, value, shape);
  }

  private static Initializer symmetric(double bound) {
    return uniform(-bound, bound);
  }
}
