package io.github.jbatchnorm.kernel;

/**
 * A channel's elements as rows, where they lie, and the chunks that they are summed in
 * (docs/numerics.md, The order of a sum): N rows of S positions; where S is below 16, S rows of N.
 * Chunks are of some samples, a power of two, or of a part of one whose row is long.
 */
final class ChannelRows {
  /** Elements whose terms are added as trees: eight of each of eight lanes. */
  static final int BLOCK = 64;

  private static final int SHORT_ROW = 16;
  private static final int LEAST = 1024;
  private static final int LEAST_SHORT = 256;
  private static final int SEGMENT = 2048;

  /** Channels taken together where neighbours in memory are of different channels. */
  private static final int NEIGHBOURS = 16;

  private final BatchNormShape shape;
  private final boolean isShort;
  private final int rows;
  private final int run;
  private final int segment;
  private final int block;
  private final int step;

  ChannelRows(BatchNormShape shape) {
    this.shape = shape;
    int n = shape.n();
    int s = shape.s();
    isShort = s < SHORT_ROW;
    rows = isShort ? s : n;
    run = isShort ? n : s;
    block = samplesOfAChunk(s, isShort);
    int segments = Math.max(1, divided(run, SEGMENT));
    segment = isShort ? block : divided(divided(run, segments), BLOCK) * BLOCK;
    int ofPosition = shape.layout() == Layout.NHWC ? shape.c() : 1;
    step = isShort ? shape.c() * s : ofPosition;
  }

  private static int samplesOfAChunk(int s, boolean isShort) {
    int samples = isShort ? LEAST_SHORT : 1;
    while (s > 0 && samples * s < LEAST) {
      samples *= 2;
    }
    return samples;
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

  /**
   * Returns how many sums a channel has, which are added at last: positions that have their own.
   */
  int sums() {
    return isShort ? rows : 1;
  }

  /** A chunk: a part of some rows, which belongs to one of the sums, and to a block of samples. */
  @FunctionalInterface
  interface Part {
    void take(int sum, int block, int row, int rowEnd, int from, int end);
  }

  /** Visits all chunks in the order in which they lie in memory. */
  void chunks(Part chunk) {
    if (isShort) {
      for (int at = 0; at < run; at += segment) {
        for (int row = 0; row < rows; row++) {
          chunk.take(row, at / segment, row, row + 1, at, Math.min(run, at + segment));
        }
      }
      return;
    }
    for (int row = 0; row < rows && run > 0; row += block) {
      int end = Math.min(rows, row + block);
      for (int at = 0; at < run; at += segment) {
        chunk.take(0, row / block, row, end, at, Math.min(run, at + segment));
      }
    }
  }
}
