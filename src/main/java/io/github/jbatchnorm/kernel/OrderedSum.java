package io.github.jbatchnorm.kernel;

import java.util.function.IntToDoubleFunction;

/**
 * A sum over the N*S elements of a channel in the contract's order (docs/numerics.md, The order of
 * a sum): chunks of rows, 8 lanes in a chunk, 8 neighbours of a lane added as a tree, the lanes
 * folded in halves, the chunks added in order with their rounding errors kept.
 */
final class OrderedSum {
  private static final int SHORT_ROW = 16;
  private static final int CHUNK = 2048;
  private static final int LANES = 8;
  private static final int DEEP = 8;
  private static final int BLOCK = LANES * DEEP;

  private final int s;
  private final boolean isShort;
  private final int rows;
  private final int run;
  private final int segment;
  private final int groups;

  /** Whether each addition's rounding error is kept, as for elements of f64. */
  private final boolean isExact;

  OrderedSum(int n, int s, boolean isExact) {
    this.s = s;
    this.isExact = isExact;
    isShort = s < SHORT_ROW;
    rows = isShort ? 1 : n;
    run = isShort ? n : s;
    int segments = Math.max(1, divided(run, CHUNK));
    segment = divided(divided(run, segments), BLOCK) * BLOCK;
    groups = run == 0 ? 0 : divided(rows, run > CHUNK ? 1 : CHUNK / run);
  }

  private static int divided(int a, int b) {
    return (a + b - 1) / b;
  }

  /** Returns the sum of {@code term(i)} over the elements i of the channel, 0 to N*S-1. */
  double sum(IntToDoubleFunction term) {
    Compensated sum = new Compensated();
    for (int group = 0; group < groups; group++) {
      int from = (int) ((long) rows * group / groups);
      int to = (int) ((long) rows * (group + 1) / groups);
      for (int at = 0; at < run; at += segment) {
        int start = at;
        int end = Math.min(run - at, segment) + at;
        if (isShort) {
          for (int position = 0; position < s; position++) {
            int first = position;
            addChunk((row, t) -> term.applyAsDouble(t * s + first), 0, 1, start, end, sum);
          }
        } else {
          addChunk((row, t) -> term.applyAsDouble(row * s + t), from, to, start, end, sum);
        }
      }
    }
    return sum.value();
  }

  /** A term by its row and its position there. */
  private interface Term {
    double at(int row, int position);
  }

  private void addChunk(Term term, int row, int rowEnd, int from, int to, Compensated sum) {
    Compensated[] lanes = new Compensated[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      lanes[lane] = new Compensated();
    }
    for (int r = row; r < rowEnd; r++) {
      for (int at = from; at < to; at += BLOCK) {
        for (int lane = 0; lane < LANES; lane++) {
          addBlock(term, r, at + lane, to, lanes[lane]);
        }
      }
    }
    if (isExact) {
      Compensated chunk = new Compensated();
      for (Compensated lane : lanes) {
        chunk.add(lane.hi);
        chunk.lo += lane.lo;
      }
      sum.add(chunk.hi);
      sum.lo += chunk.lo;
      return;
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        lanes[lane].hi += lanes[lane + half].hi;
      }
    }
    sum.add(lanes[0].hi);
  }

  /** Adds the elements of one lane of a block: those every 8 from {@code at}, before {@code to}. */
  private void addBlock(Term term, int row, int at, int to, Compensated lane) {
    double[] values = new double[DEEP];
    for (int j = 0; j < DEEP && at + j * LANES < to; j++) {
      values[j] = term.at(row, at + j * LANES);
    }
    if (isExact) {
      for (double value : values) {
        lane.add(value);
      }
      return;
    }
    for (int width = 1; width < DEEP; width *= 2) {
      for (int j = 0; j < DEEP; j += 2 * width) {
        values[j] += values[j + width];
      }
    }
    lane.hi += values[0];
  }

  /** Returns the sum of the weights of N*S positions: lanes i % 8, each exact (plan.cpp). */
  static double ofWeights(int positions, IntToDoubleFunction weight) {
    Compensated[] lanes = new Compensated[LANES];
    Compensated sum = new Compensated();
    for (int lane = 0; lane < LANES; lane++) {
      lanes[lane] = new Compensated();
      for (int i = lane; i < positions; i += LANES) {
        lanes[lane].add(weight.applyAsDouble(i));
      }
      sum.add(lanes[lane].hi);
      sum.lo += lanes[lane].lo;
    }
    return sum.value();
  }

  /** A sum with its rounding errors beside it (Knuth's TwoSum). */
  private static final class Compensated {
    private double hi;
    private double lo;

    void add(double value) {
      double sum = hi + value;
      double part = sum - hi;
      lo += (hi - (sum - part)) + (value - part);
      hi = sum;
    }

    double value() {
      return hi + lo;
    }
  }
}
