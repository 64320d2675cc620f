package io.github.jbatchnorm.kernel;

import java.util.Arrays;
import java.util.Objects;

/** A share of a batch, as the ranks have agreed on it: how many samples each of them has. */
final class Shared {
  private final Communicator ranks;
  private final long[] counts;

  private Shared(Communicator ranks, long[] counts) {
    this.ranks = ranks;
    this.counts = counts;
  }

  /**
   * Agrees with the other ranks on a forward call.
   *
   * @throws IllegalArgumentException if arguments are wrong here or elsewhere, or differ
   */
  static Shared forward(ForwardArguments a) {
    Communicator ranks = Objects.requireNonNull(a.ranks);
    check(ranks, () -> Checks.forward(a));
    check(ranks, () -> refuse(a.weights != null || a.given != null || a.givenMean != null));
    return agree(ranks, a.shape, "forward, " + terms(a.shape, a.eps, a.slope));
  }

  /** The same for a backward call. */
  static Shared backward(BackwardArguments a) {
    Communicator ranks = Objects.requireNonNull(a.ranks);
    check(ranks, () -> Checks.backward(a));
    check(ranks, () -> refuse(a.weights != null || a.given));
    String more = ", y %s, inverted %s".formatted(a.y != null, a.inverted);
    return agree(ranks, a.shape, "backward, " + terms(a.shape, a.eps, a.slope) + more);
  }

  private static void refuse(boolean isLocal) {
    if (isLocal) {
      throw new IllegalArgumentException(
          "sharedBy: goes with neither weights nor statistics that are given");
    }
  }

  private static void check(Communicator ranks, Runnable checks) {
    try {
      checks.run();
    } catch (IllegalArgumentException e) {
      throw ranks.refusal(e);
    }
  }

  private static String terms(BatchNormShape shape, double eps, double slope) {
    return "dtype %s, layout %s, C %s, S %s, eps %s, slope %s"
        .formatted(shape.dtype(), shape.layout(), shape.c(), shape.s(), eps, slope);
  }

  private static Shared agree(Communicator ranks, BatchNormShape shape, String terms) {
    return new Shared(ranks, Agreement.on(ranks, "call", shape.n(), terms));
  }

  Communicator ranks() {
    return ranks;
  }

  long[] counts() {
    return counts;
  }

  /** Returns N of all shares together. */
  long total() {
    return Arrays.stream(counts).sum();
  }

  /** Returns the samples before this share's. */
  long first() {
    return Arrays.stream(counts, 0, ranks.rank()).sum();
  }
}
