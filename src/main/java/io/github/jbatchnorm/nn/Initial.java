package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.DType;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Initial values of parameters, f32, the same on every machine for the same generator. */
final class Initial {
  private Initial() {}

  /** Returns values uniform in +-sqrt(6 / fanIn), of variance 2 / fanIn (He et al., 2015). */
  static Tensor heUniform(RandomGenerator random, int fanIn, int... shape) {
    return uniform(random, Math.sqrt(6.0 / fanIn), shape);
  }

  /** Returns values uniform in +-bound. */
  static Tensor uniform(RandomGenerator random, double bound, int... shape) {
    float[] values = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    return Tensor.of(values, shape);
  }

  /** Returns a variable filled with one value. */
  static Tensor filled(double value, int... shape) {
    Tensor tensor = Tensor.zeros(DType.F32, shape);
    tensor.update(
        storage -> {
          for (int i = 0; i < storage.length(); i++) {
            storage.set(i, value);
          }
        });
    return tensor;
  }
}
