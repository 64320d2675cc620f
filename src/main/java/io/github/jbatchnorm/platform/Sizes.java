package io.github.jbatchnorm.platform;

import java.util.Arrays;

/**
 * The product of sizes: the number of elements of an array, which has to stay within an int. Every
 * such product is computed here. Sizes of 0 count as 1 for the limit, so that the product of any
 * part of sizes that were checked fits too.
 */
public final class Sizes {
  private Sizes() {}

  /**
   * Returns the product of sizes.
   *
   * @param name what the sizes are of, for the message
   * @throws IllegalArgumentException if one is negative, or if those that are not 0 have a product
   *     of more than 2<sup>31</sup>-1
   */
  public static int product(String name, int... sizes) {
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
