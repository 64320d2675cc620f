package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.platform.Sizes;

/**
 * What a batch-normalization call works on: N samples of C channels of S positions each.
 *
 * @param dtype the type of x, y, dy, dx and of gamma, beta, mean, var, dGamma, dBeta
 * @param layout where the channel axis lies in x, y, dy and dx
 * @param n samples, 0 or more
 * @param c channels, 0 or more
 * @param s positions: the product of every axis that is neither sample nor channel, 0 or more
 */
public record BatchNormShape(DType dtype, Layout layout, int n, int c, int s) {
  /**
   * Checks the sizes.
   *
   * @param dtype the type of x, y, dy, dx and of gamma, beta, mean, var, dGamma, dBeta
   * @param layout where the channel axis lies in x, y, dy and dx
   * @param n samples, 0 or more
   * @param c channels, 0 or more
   * @param s positions: the product of every axis that is neither sample nor channel, 0 or more
   * @throws IllegalArgumentException if a size is negative, or if those that are not 0 have a
   *     product of more than 2<sup>31</sup>-1
   */
  public BatchNormShape {
    Sizes.product("shape (N, C, S)", n, c, s);
  }

  /** {@return the number of elements of x: N*C*S} */
  public int size() {
    return n * c * s;
  }

  /** {@return M, the number of elements of one channel: N*S} */
  public long m() {
    return (long) n * s;
  }

  /** Returns where element {@code index} of the N*S elements of channel {@code channel} lies. */
  int offset(int channel, int index) {
    return layout == Layout.NHWC ? index * c + channel : (index / s * c + channel) * s + index % s;
  }
}
