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
   * {@return how many samples a batch has} By default the batch is made to see it.
   *
   * @param index which, from 0
   */
  default int size(int index) {
    return batch(index).size();
  }

  /**
   * {@return these batches without the last one if that has fewer samples than wanted, since batch
   * norm and the step size depend on the number}
   *
   * @param size how many samples a whole batch has, 1 or more
   * @throws IllegalArgumentException if size is below 1
   */
  default BatchSource dropLast(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("size: expected 1 or more, got " + size);
    }
    int last = count() - 1;
    return last >= 0 && size(last) < size ? new FirstBatches(this, last) : this;
  }

  /**
   * {@return these batches without the first ones: to go on in the middle of an epoch}
   *
   * @param first how many are left out, 0 to their number
   * @throws IndexOutOfBoundsException if there are fewer
   */
  default BatchSource from(int first) {
    return first == 0 ? this : new LastBatches(this, Objects.checkIndex(first, count() + 1));
  }

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

  /**
   * As {@link #inOrder}, of samples drawn with replacement, each with a probability in proportion
   * to its weight, as seed and epoch determine: for classes that are rare, say.
   *
   * @param x shape (N, ...)
   * @param labels N classes
   * @param weights N weights, finite and 0 or more, of a finite sum of more than 0
   * @param samples how many are drawn, 0 or more
   * @param size samples a batch, 1 or more
   * @param seed of all that is random
   * @param epoch from 1
   * @return the batches
   * @throws IllegalArgumentException if the sizes do not fit, or numbers are out of range
   */
  static BatchSource weighted(
      Tensor x, int[] labels, double[] weights, int samples, int size, long seed, int epoch) {
    return TensorBatches.weighted(x, labels, weights, samples, size, seed, epoch);
  }
}
