package io.github.jbatchnorm.kernel;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * Sums over the elements of channels in the contract's order (docs/numerics.md, The order of a
 * sum): 8 lanes in a chunk, 8 neighbours of a lane added as a tree, the lanes folded in halves, the
 * chunks added as a binary tree; for elements of f64 the error of each addition is kept.
 */
final class OrderedSums {
  private static final int LANES = 8;

  private final ChannelRows rows;
  private final Pieces pieces;
  private final boolean isExact;
  private final double[][] terms;

  /**
   * Makes room for sums.
   *
   * @param pieces goes to what is summed
   * @param isExact whether each addition's rounding error is kept
   * @param count how many sums there are of a channel
   */
  OrderedSums(ChannelRows rows, Pieces pieces, boolean isExact, int count) {
    this.rows = rows;
    this.pieces = pieces;
    this.isExact = isExact;
    this.terms = new double[count][rows.segment()];
  }

  /** What is summed. */
  @FunctionalInterface
  interface Terms {
    /** Writes the terms of a channel's piece, a sum an array. */
    void put(int channel, double[][] terms);
  }

  /** Returns the sums of the channels up to {@code end}: an array for each. */
  double[][] of(int channel, int end, Terms what) {
    ChunkTree[][][] sums = new ChunkTree[end - channel][rows.sums()][terms.length];
    for (ChunkTree[][] of : sums) {
      for (ChunkTree[] some : of) {
        Arrays.setAll(some, i -> new ChunkTree(isExact));
      }
    }
    rows.chunks(
        (sum, block, row, rowEnd, from, to) -> {
          for (int c = channel; c < end; c++) {
            addChunk(c, block, row, rowEnd, from, to, what, sums[c - channel][sum]);
          }
        });
    double[][] values = new double[sums.length][terms.length];
    for (int c = 0; c < sums.length; c++) {
      for (int i = 0; i < terms.length; i++) {
        Compensated all = new Compensated();
        for (ChunkTree[] of : sums[c]) {
          of[i].addTo(all);
        }
        values[c][i] = all.value();
      }
    }
    return values;
  }

  private void addChunk(
      int channel, int block, int row, int rowEnd, int from, int to, Terms what, ChunkTree[] sums) {
    double[][] all = new double[2 * terms.length][LANES];
    int count = to - from;
    int whole = (count + ChannelRows.BLOCK - 1) / ChannelRows.BLOCK * ChannelRows.BLOCK;
    for (int r = row; r < rowEnd; r++) {
      pieces.at(channel, r, from, count);
      what.put(channel, terms);
      for (int i = 0; i < terms.length; i++) {
        Arrays.fill(terms[i], count, whole, 0);
        if (isExact) {
          addExactly(terms[i], whole, all[i], all[terms.length + i]);
        } else {
          addTrees(terms[i], whole, all[i]);
        }
      }
    }
    for (int i = 0; i < terms.length; i++) {
      if (isExact) {
        Compensated chunk = Compensated.of(all[i], all[terms.length + i]);
        sums[i].add(block, chunk.hi, chunk.lo);
      } else {
        sums[i].add(block, folded(all[i]), 0);
      }
    }
  }

  /** Adds the trees of blocks to the lanes, which stay in registers. */
  private static void addTrees(double[] v, int count, double[] lanes) {
    double lane0 = lanes[0];
    double lane1 = lanes[1];
    double lane2 = lanes[2];
    double lane3 = lanes[3];
    double lane4 = lanes[4];
    double lane5 = lanes[5];
    double lane6 = lanes[6];
    double lane7 = lanes[7];
    for (int at = 0; at < count; at += ChannelRows.BLOCK) {
      lane0 += tree(v, at);
      lane1 += tree(v, at + 1);
      lane2 += tree(v, at + 2);
      lane3 += tree(v, at + 3);
      lane4 += tree(v, at + 4);
      lane5 += tree(v, at + 5);
      lane6 += tree(v, at + 6);
      lane7 += tree(v, at + 7);
    }
    lanes[0] = lane0;
    lanes[1] = lane1;
    lanes[2] = lane2;
    lanes[3] = lane3;
    lanes[4] = lane4;
    lanes[5] = lane5;
    lanes[6] = lane6;
    lanes[7] = lane7;
  }

  /** Eight neighbours of a lane. */
  private static double tree(double[] v, int at) {
    return ((v[at] + v[at + 8]) + (v[at + 16] + v[at + 24]))
        + ((v[at + 32] + v[at + 40]) + (v[at + 48] + v[at + 56]));
  }

  /** Adds to one lane after the other: each sum and its error stay in registers. */
  private static void addExactly(double[] v, int count, double[] lanes, double[] errors) {
    for (int lane = 0; lane < LANES; lane += 2) {
      double even = lanes[lane];
      double evenError = errors[lane];
      double odd = lanes[lane + 1];
      double oddError = errors[lane + 1];
      for (int at = lane; at < count; at += LANES) {
        double sum = even + v[at];
        double part = sum - even;
        evenError += (even - (sum - part)) + (v[at] - part);
        even = sum;
        sum = odd + v[at + 1];
        part = sum - odd;
        oddError += (odd - (sum - part)) + (v[at + 1] - part);
        odd = sum;
      }
      lanes[lane] = even;
      errors[lane] = evenError;
      lanes[lane + 1] = odd;
      errors[lane + 1] = oddError;
    }
  }

  private static double folded(double[] lanes) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        lanes[lane] += lanes[lane + half];
      }
    }
    return lanes[0];
  }

  /** Returns the sum of the weights of N*S positions: lanes i % 8, each exact (plan.cpp). */
  static double ofWeights(int positions, IntToDoubleFunction weight) {
    Compensated sum = new Compensated();
    for (int lane = 0; lane < LANES; lane++) {
      Compensated own = new Compensated();
      for (int i = lane; i < positions; i += LANES) {
        own.add(weight.applyAsDouble(i));
      }
      sum.add(own.hi);
      sum.lo += own.lo;
    }
    return sum.value();
  }

  /** A sum with its rounding errors beside it (Knuth's TwoSum). */
  static final class Compensated {
    double hi;
    double lo;

    void add(double value) {
      double sum = hi + value;
      double part = sum - hi;
      lo += (hi - (sum - part)) + (value - part);
      hi = sum;
    }

    /** Returns the sum of a chunk's lanes, and what these have lost. */
    static Compensated of(double[] lanes, double[] errors) {
      Compensated chunk = new Compensated();
      for (int lane = 0; lane < LANES; lane++) {
        chunk.add(lanes[lane]);
        chunk.lo += errors[lane];
      }
      return chunk;
    }

    double value() {
      return hi + lo;
    }
  }
}
