package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
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

  /**
   * {@return numbers uniform in +-gain sqrt(3 / fanIn), of variance gain^2 / fanIn} The gain is
   * sqrt(2) for ReLU, sqrt(2 / (1 + slope^2)) for leaky ReLU (He et al., 2015).
   *
   * @param gain the factor
   */
  static Initializer heUniform(double gain) {
    return (random, in, out, shape) ->
        symmetric(gain * Math.sqrt(3.0 / in)).create(random, in, out, shape);
  }

  /** {@return normal numbers of variance 2 / fanIn (He et al., 2015)} */
  static Initializer heNormal() {
    return (random, in, out, shape) ->
        normal(0, Math.sqrt(2.0 / in)).create(random, in, out, shape);
  }

  /**
   * {@return normal numbers of variance gain^2 / fanIn, as {@link #heUniform(double)}}
   *
   * @param gain the factor
   */
  static Initializer heNormal(double gain) {
    return (random, in, out, shape) ->
        normal(0, gain * Math.sqrt(1.0 / in)).create(random, in, out, shape);
  }

  /**
   * {@return numbers uniform in +-sqrt(6 / (fanIn + fanOut)), of variance 2 / (fanIn + fanOut)
   * (Glorot and Bengio, 2010)}
   */
  static Initializer glorotUniform() {
    return glorotUniform(1);
  }

  /**
   * {@return the numbers of {@link #glorotUniform()} times a gain}
   *
   * @param gain the factor
   */
  static Initializer glorotUniform(double gain) {
    return (random, in, out, shape) ->
        symmetric(gain * Math.sqrt(6.0 / (in + out))).create(random, in, out, shape);
  }

  /** {@return normal numbers of variance 2 / (fanIn + fanOut) (Glorot and Bengio, 2010)} */
  static Initializer glorotNormal() {
    return glorotNormal(1);
  }

  /**
   * {@return the numbers of {@link #glorotNormal()} times a gain}
   *
   * @param gain the factor
   */
  static Initializer glorotNormal(double gain) {
    return (random, in, out, shape) ->
        normal(0, gain * Math.sqrt(2.0 / (in + out))).create(random, in, out, shape);
  }

  /**
   * {@return filters that leave as many channels as there are of both as they are: 1 in the middle
   * of filter i for channel i, elsewhere 0 (Zagoruyko and Komodakis, 2017)} {@code create} throws
   * IllegalArgumentException for fewer than two axes.
   */
  static Initializer dirac() {
    return (random, in, out, shape) -> {
      if (shape.length < 2) {
        throw new IllegalArgumentException(
            "shape: expected (O, C, ...), got " + Arrays.toString(shape));
      }
      Index[] middle = new Index[shape.length];
      Tensor weights = Tensors.zeros(DType.F32, shape);
      for (int d = 2; d < shape.length; d++) {
        middle[d] = Index.at(shape[d] / 2);
      }
      return NoAutodiff.call(
          () -> {
            for (int i = 0; i < Math.min(shape[0], shape[1]); i++) {
              middle[0] = Index.at(i);
              middle[1] = Index.at(i);
              weights.set(1, middle);
            }
            return weights;
          });
    };
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
