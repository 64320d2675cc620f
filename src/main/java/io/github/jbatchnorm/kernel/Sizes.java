package io.github.jbatchnorm.kernel;

import java.util.Arrays;

/** Sizes of arrays, whose products are to stay within an int. */
final class Sizes {
  private Sizes() {}

  /**
   * Returns the product of sizes.
   *
   * @throws IllegalArgumentException if one is negative, or if those that are not 0 have a product
   *     of more than 2<sup>31</sup>-1
   */
  static int product(String name, int... sizes) {
    long product = 1;
    boolean empty = false;
    for (int size : sizes) {
      empty |= size == 0;
      product *= Math.max(1, size);
      if (size < 0 || product > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "%s: expected sizes of 0 or more and at most 2^31-1 elements, got %s"
                .formatted(name, Arrays.toString(sizes).replace('[', '(').replace(']', ')')));
      }
    }
    return empty ? 0 : (int) product;
  }
}
