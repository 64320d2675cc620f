package io.github.jbatchnorm.autograd;

/** Splits a batch into groups of samples, the same ones whatever the number of threads. */
final class Samples {
  private static final int MOST_GROUPS = 8;

  private Samples() {}

  /** What is done for one group of samples. */
  @FunctionalInterface
  interface Group {
    void run(int group, int first, int end);
  }

  /** Returns the number of groups of {@code n} samples. */
  static int groups(int n) {
    return Math.min(n, MOST_GROUPS);
  }

  /** Runs {@code action} for each group, side by side. */
  static void run(int n, Group action) {
    int groups = groups(n);
    Parallel.run(
        groups,
        group ->
            action.run(
                group, (int) ((long) n * group / groups), (int) ((long) n * (group + 1) / groups)));
  }
}
