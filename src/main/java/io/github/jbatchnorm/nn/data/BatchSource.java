package io.github.jbatchnorm.nn.data;

import java.util.Objects;
import java.util.random.RandomGenerator;

/** The batches of one epoch. Each may be asked for more than once, by any thread. */
public interface BatchSource {
  /** Returns the number of batches. */
  int count();

  /** Returns one of them: the same, whenever and in whatever order it is asked for. */
  Batch batch(int index);

  /** Puts numbers in random order (Fisher and Yates). */
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
}
