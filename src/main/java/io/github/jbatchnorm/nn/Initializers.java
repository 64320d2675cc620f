package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;

/** The usual initial weights, f32, the same on every machine for the same generator. */
public final class Initializers {
  private Initializers() {}

  /** Returns numbers uniform in +-sqrt(6 / fanIn), of variance 2 / fanIn (He et al., 2015). */
  public static Initializer heUniform() {
    return (random, in, out, shape) ->
        symmetric(Math.sqrt(6.0 / in)).create(random, in, out, shape);
  }

  /** Returns normal numbers of variance 2 / fanIn (He et al., 2015). */
  public static Initializer heNormal() {
    return (random, in, out, shape) ->
        normal(0, Math.sqrt(2.0 / in)).create(random, in, out, shape);
  }

  /**
   * Returns numbers uniform in +-sqrt(6 / (fanIn + fanOut)), of variance 2 / (fanIn + fanOut)
   * (Glorot and Bengio, 2010).
   */
  public static Initializer glorotUniform() {
    return (random, in, out, shape) ->
        symmetric(Math.sqrt(6.0 / (in + out))).create(random, in, out, shape);
  }

  /** Returns normal numbers of variance 2 / (fanIn + fanOut) (Glorot and Bengio, 2010). */
  public static Initializer glorotNormal() {
    return (random, in, out, shape) ->
        normal(0, Math.sqrt(2.0 / (in + out))).create(random, in, out, shape);
  }

  /** Returns numbers uniform in +-1 / sqrt(fanIn): PyTorch's default. */
  public static Initializer fanInUniform() {
    return (random, in, out, shape) -> symmetric(1 / Math.sqrt(in)).create(random, in, out, shape);
  }

  /** Returns numbers uniform from low to high. */
  public static Initializer uniform(double low, double high) {
    return (random, in, out, shape) -> Tensors.uniform(DType.F32, random, low, high, shape);
  }

  /** Returns normal numbers. */
  public static Initializer normal(double mean, double std) {
    return (random, in, out, shape) -> Tensors.normal(DType.F32, random, mean, std, shape);
  }

  /** Returns one value. */
  public static Initializer constant(double value) {
    return (random, in, out, shape) -> filled(DType.F32, value, shape);
  }

  private static Initializer symmetric(double bound) {
    return uniform(-bound, bound);
  }

  /** Returns a variable filled with one value. */
  static Tensor filled(DType dtype, double value, int... shape) {
    return Tensors.full(dtype, value, shape);
  }
}
