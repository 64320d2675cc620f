package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Objects;
import java.util.random.RandomGenerator;

/** The batches of one epoch. Each may be asked for more than once, by any thread. */
public interface BatchSource {
  /** {@return the number of batches} */
  int count();

  /**
   * {@return one of them: the same, whenever and in whatever order it is asked for}
   *
   * @param index which, from 0
   */
  Batch batch(int index);

  /**
   * Puts numbers in random order (Fisher and Yates).
   *
   * @param order is changed
   * @param random where the numbers come from
   */
  static void shuffle(int[] order, RandomGenerator random) {
    Objects.requireNonNull(order, "order");
    Objects.requireNonNull(random, "random");
    for (int i = order.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int held = order[i];
      order[i] = order[other];
      order[other] = held;
    }
  }

  /**
   * {@return samples that lie in one tensor in batches, in their own order; the last batch may be
   * smaller}
   *
   * @param x shape (N, ...)
   * @param labels N classes
   * @param size samples a batch, 1 or more
   * @throws IllegalArgumentException if the sizes do not fit
   */
  static BatchSource inOrder(Tensor x, int[] labels, int size) {
    return TensorBatches.inOrder(x, labels, size);
  }

  /**
   * As {@link #inOrder}, in an order that seed and epoch determine.
   *
   * @param x shape (N, ...)
   * @param labels N classes
   * @param size samples a batch, 1 or more
   * @param seed of all that is random
   * @param epoch from 1
   * @return the batches
   */
  static BatchSource shuffled(Tensor x, int[] labels, int size, long seed, int epoch) {
    return TensorBatches.shuffled(x, labels, size, seed, epoch);
  }
}
