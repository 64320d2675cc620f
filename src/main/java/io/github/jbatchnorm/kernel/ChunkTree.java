package io.github.jbatchnorm.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The sums of chunks, added as a binary tree: two neighbours as soon as both are there, the sums of
 * two pairs of them, and so on; what is left at the end the last to the one before first. The
 * chunks of a block are a tree of their own.
 */
final class ChunkTree {
  private static final int LEVELS = 31;

  private final boolean isExact;
  private double[] hi = new double[4];
  private double[] lo = new double[4];
  private int count;
  private int block;
  private @Nullable ChunkTree parts;

  ChunkTree(boolean isExact) {
    this.isExact = isExact;
  }

  /**
   * Adds a chunk's sum, and what that has lost.
   *
   * @param inBlock the chunk's block: the same as the last one's, or the next
   */
  void add(int inBlock, double sum, double error) {
    if (inBlock > block) {
      endBlock();
      block = inBlock;
    }
    if (parts == null) {
      parts = new ChunkTree(isExact);
    }
    parts.add(sum, error);
  }

  private void endBlock() {
    if (parts != null && parts.count > 0) {
      OrderedSums.Compensated total = parts.total();
      add(total.hi, total.lo);
      parts.count = 0;
    }
  }

  private void add(double sum, double error) {
    double high = sum;
    double low = error;
    int level = 0;
    for (; (count >> level & 1) != 0; level++) {
      double left = hi[level];
      low = joinedError(left, lo[level], high, low);
      high = left + high;
    }
    if (level == hi.length) {
      hi = Arrays.copyOf(hi, LEVELS);
      lo = Arrays.copyOf(lo, LEVELS);
    }
    hi[level] = high;
    lo[level] = low;
    count++;
  }

  /** What the sum of two sums has lost; 0 where that is not kept. */
  private double joinedError(double left, double leftError, double right, double rightError) {
    if (!isExact) {
      return 0;
    }
    double sum = left + right;
    double part = sum - left;
    return leftError + ((left - (sum - part)) + (right - part)) + rightError;
  }

  private OrderedSums.Compensated total() {
    OrderedSums.Compensated total = new OrderedSums.Compensated();
    boolean isFirst = true;
    for (int level = 0; count >> level > 0; level++) {
      if ((count >> level & 1) != 0) {
        total.lo = isFirst ? lo[level] : joinedError(hi[level], lo[level], total.hi, total.lo);
        total.hi = isFirst ? hi[level] : hi[level] + total.hi;
        isFirst = false;
      }
    }
    return total;
  }

  /** Adds the sum of all chunks to another. */
  void addTo(OrderedSums.Compensated sum) {
    endBlock();
    OrderedSums.Compensated total = total();
    if (isExact) {
      sum.add(total.hi);
      sum.lo += total.lo;
    } else {
      sum.hi += total.hi;
    }
  }
}
