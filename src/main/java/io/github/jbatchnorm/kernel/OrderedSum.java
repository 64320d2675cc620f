package io.github.jbatchnorm.kernel;

import java.util.function.IntToDoubleFunction;

/**
 * A sum over the N*S elements of a channel in the contract's order (docs/numerics.md, The order of
 * every sum): chunks of rows, 16 lanes in a chunk, the lanes folded in halves, the chunks added in
 * order with their rounding errors kept.
 */
final class OrderedSum {
  private static final int LANES = 16;
  private static final int CHUNK = 1024;

  private final int rows;
  private final int run;

  OrderedSum(int n, int s) {
    boolean flat = s < LANES;
    rows = flat ? 1 : n;
    run = flat ? n * s : s;
  }

  /** Returns the sum of {@code term(i)} over the elements i of the channel, 0 to N*S-1. */
  double sum(IntToDoubleFunction term) {
    int segments = run <= CHUNK ? 1 : (run + CHUNK - 1) / CHUNK;
    int group = run == 0 || run > CHUNK ? 1 : CHUNK / run;
    double hi = 0;
    double lo = 0;
    for (int row = 0; row < rows; row += Math.min(group, rows - row)) {
      for (int segment = 0; segment < segments; segment++) {
        int from = segment * CHUNK;
        int to = Math.min(run - from, CHUNK) + from;
        double value = chunk(term, row, Math.min(group, rows - row), from, to);
        double sum = hi + value;
        double part = sum - hi;
        lo += (hi - (sum - part)) + (value - part);
        hi = sum;
      }
    }
    return hi + lo;
  }

  private double chunk(IntToDoubleFunction term, int row, int count, int from, int to) {
    double[] lanes = new double[LANES];
    for (int r = row; r < row + count; r++) {
      for (int t = from; t < to; t++) {
        lanes[t % LANES] += term.applyAsDouble(r * run + t);
      }
    }
    for (int w = LANES / 2; w > 0; w /= 2) {
      for (int l = 0; l < w; l++) {
        lanes[l] += lanes[l + w];
      }
    }
    return lanes[0];
  }
}
