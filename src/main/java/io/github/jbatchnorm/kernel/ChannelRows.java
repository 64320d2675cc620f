package io.github.jbatchnorm.kernel;

/**
 * A channel's elements as rows, where they lie, and the chunks that they are summed in
 * (docs/numerics.md, The order of a sum): N rows of S positions; where S is below 16, S rows of N.
 */
final class ChannelRows {
  /** Elements whose terms are added as trees: eight of each of eight lanes. */
  static final int BLOCK = 64;

  private static final int SHORT_ROW = 16;
  private static final int CHUNK = 2048;

  /** Channels taken together where neighbours in memory are of different channels. */
  private static final int NEIGHBOURS = 16;

  private final BatchNormShape shape;
  private final boolean isShort;
  private final int rows;
  private final int run;
  private final int segment;
  private final int rowBlocks;
  private final int step;

  ChannelRows(BatchNormShape shape) {
    this.shape = shape;
    int n = shape.n();
    int s = shape.s();
    isShort = s < SHORT_ROW;
    rows = isShort ? s : n;
    run = isShort ? n : s;
    int segments = Math.max(1, divided(run, CHUNK));
    segment = divided(divided(run, segments), BLOCK) * BLOCK;
    rowBlocks = run == 0 ? 0 : divided(rows, run > CHUNK ? 1 : CHUNK / run);
    int ofPosition = shape.layout() == Layout.NHWC ? shape.c() : 1;
    step = isShort ? shape.c() * s : ofPosition;
  }

  private static int divided(int a, int b) {
    return (a + b - 1) / b;
  }

  /** Returns the most elements of a row that are taken at a time, a multiple of {@link #BLOCK}. */
  int segment() {
    return segment;
  }

  /** Returns from one element of a row to the next. */
  int step() {
    return step;
  }

  /** Returns how many channels are best taken side by side, for the sake of caches. */
  int channelsTogether() {
    return step == 1 ? 1 : NEIGHBOURS;
  }

  /** Returns where position {@code at} of a channel's row lies. */
  int start(int channel, int row, int at) {
    return shape.offset(channel, position(row, at));
  }

  /** Returns which of the N*S positions position {@code at} of a row is. */
  int position(int row, int at) {
    return isShort ? at * shape.s() + row : row * shape.s() + at;
  }

  /** Returns from one element of a row to the next, in N*S positions. */
  int positionStep() {
    return isShort ? shape.s() : 1;
  }

  /** A part of some rows. */
  @FunctionalInterface
  interface Part {
    void take(int row, int rowEnd, int from, int end);
  }

  /** Visits all chunks in the order in which their sums are added. */
  void chunks(Part chunk) {
    if (isShort) {
      for (int at = 0; at < run; at += segment) {
        for (int row = 0; row < rows; row++) {
          chunk.take(row, row + 1, at, Math.min(run, at + segment));
        }
      }
      return;
    }
    for (int block = 0; block < rowBlocks; block++) {
      int from = (int) ((long) rows * block / rowBlocks);
      int to = (int) ((long) rows * (block + 1) / rowBlocks);
      for (int at = 0; at < run; at += segment) {
        chunk.take(from, to, at, Math.min(run, at + segment));
      }
    }
  }
}
