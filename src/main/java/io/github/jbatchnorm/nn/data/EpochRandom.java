package io.github.jbatchnorm.nn.data;

import java.util.SplittableRandom;

/** What is random in an epoch, as seed and epoch determine. */
final class EpochRandom {
  private EpochRandom() {}

  static SplittableRandom of(long seed, int epoch) {
    return new SplittableRandom(seed * 1_000_003 + epoch);
  }
}
