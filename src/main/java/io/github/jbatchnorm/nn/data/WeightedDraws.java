package io.github.jbatchnorm.nn.data;

import java.util.random.RandomGenerator;

/** Numbers from 0 on, each drawn with a probability in proportion to its weight. */
final class WeightedDraws {
  private final double[] sums; // of the weights up to each, itself included

  WeightedDraws(double[] weights) {
    sums = new double[weights.length];
    double sum = 0;
    for (int i = 0; i < sums.length; i++) {
      if (!(weights[i] >= 0) || Double.isInfinite(weights[i])) {
        throw new IllegalArgumentException(
            "weights: expected finite values of 0 or more, got %s (index %s)"
                .formatted(weights[i], i));
      }
      sum += weights[i];
      sums[i] = sum;
    }
    if (!(sum > 0) || Double.isInfinite(sum)) {
      throw new IllegalArgumentException(
          "weights: expected a finite sum of more than 0, got " + sum);
    }
  }

  /** Returns numbers drawn with replacement. */
  int[] draw(int count, RandomGenerator random) {
    int[] drawn = new int[count];
    for (int i = 0; i < count; i++) {
      drawn[i] = firstAbove(random.nextDouble() * sums[sums.length - 1]);
    }
    return drawn;
  }

  /** Returns the first whose sum is more than a number: never one of weight 0. */
  private int firstAbove(double number) {
    int low = 0;
    int high = sums.length - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sums[middle] > number) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
