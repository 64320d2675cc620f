package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * What a convolution is computed of, and where to: y = bend(x * filters + bias).
 *
 * @param x shape (N, C, ...)
 * @param filters shape (O, C / groups, ...)
 * @param bias O elements, or null for none
 * @param slope of the tail where the sum is not above 0: 1 for none, 0 for ReLU
 * @param y shape (N, O, ...)
 */
public record ConvolutionArguments(
    Storage x, Storage filters, @Nullable Storage bias, double slope, Storage y) {
  void check(Convolution shape) {
    shape.check(x, filters, y);
    if (bias != null) {
      Convolution.expect("bias", bias, (long) shape.groups * shape.o, x);
    }
  }
}
