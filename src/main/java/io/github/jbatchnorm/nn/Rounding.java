package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;

/** Parameters as a layer computes with them. */
final class Rounding {
  private Rounding() {}

  /**
   * Returns a parameter in x's dtype where that has 16 bits, else as it is: a layer that is given
   * 16 bits computes with 16 bits, while its parameters, and their gradients, stay f32.
   */
  static Tensor of(Tensor parameter, Tensor x) {
    return x.dtype().bytes() == Short.BYTES ? parameter.astype(x.dtype()) : parameter;
  }
}
