package io.github.jbatchnorm.arrays;

import org.jspecify.annotations.Nullable;

/**
 * How the outputs of a convolution, or a gradient for x, are cut into panels of what the filters'
 * taps read, which stay in a core's cache: a matter of sizes alone, so that results do not depend
 * on threads. Small images share a panel; of large ones, a panel has a band of positions.
 *
 * @param samples samples that share a panel
 * @param bands bands of positions; 1 where samples share a panel
 * @param pieces pieces that a line of an output is cut into; 1 where a band is whole lines
 * @param panel elements of the largest panel
 * @param positions of the largest band, or of the samples that share a panel
 * @param lines lines of an output
 * @param width positions of a line
 */
record ConvolutionTiles(
    int samples, int bands, int pieces, long panel, int positions, int lines, int width) {
  /** Positions of a sample from which on its tiles are filled well without the next one's. */
  private static final long ENOUGH = 64;

  /** Positions that samples which share a panel should have together. */
  private static final long TOGETHER = 192;

  /** Elements that a panel should have at most. */
  private static final long MOST = 1 << 16;

  /** Positions that a piece of a line, or a band made for threads alone, should have at least. */
  private static final long LEAST = 256;

  /** Tasks that there should be, for threads, where that does not take bands too small. */
  private static final long TASKS = 8;

  /** Elements that memory is had for: 1 GiB of doubles. */
  static final long LIMIT = 1 << 27;

  private static final long VECTOR = 16;

  /** What one output sees: how many rows a panel has, and how long they are. */
  private record Rows(long channels, long slices, long lines, long columns, long reach) {
    long taps() {
      return channels * slices * lines * columns;
    }

    /** Elements of a panel; where taps can share rows they do if that takes fewer. */
    long panel(long samples, long count, long width, boolean canShare) {
      long own = taps() * row(samples * count * width);
      long shared = channels * slices * columns * row((count + reach) * width);
      return canShare && samples == 1 ? Math.min(own, shared) : own;
    }

    /** As the native kernel has it: an odd number of vectors. */
    private static long row(long elements) {
      return (parts(elements, VECTOR) | 1) * VECTOR;
    }
  }

  /**
   * Returns the tiles of y, or null where a panel would not fit the memory that there is for it.
   */
  static @Nullable ConvolutionTiles forward(Convolution g) {
    long reach = (g.taps[1] - 1L) * g.dilation[1];
    Rows rows = new Rows(g.c, g.taps[0], g.taps[1], g.taps[2], reach);
    boolean canShare = g.out[0] == 1 && g.stride[1] == 1;
    return of(g, rows, g.o, canShare, new long[] {g.out[0], g.out[1], g.out[2]});
  }

  /**
   * Returns the tiles of the gradient for x: of its first phase, the elements at multiples of the
   * stride, which has as many as any and sees as many taps; or null.
   */
  static @Nullable ConvolutionTiles input(Convolution g) {
    long[] taps = new long[g.in.length];
    long[] out = new long[g.in.length];
    for (int d = 0; d < out.length; d++) {
      taps[d] = parts(g.taps[d], g.stride[d] / common(g.stride[d], g.dilation[d]));
      out[d] = parts(g.in[d], g.stride[d]);
    }
    long reach = (taps[1] - 1) * (g.dilation[1] / common(g.stride[1], g.dilation[1]));
    Rows rows = new Rows(g.o, taps[0], taps[1], taps[2], reach);
    return of(g, rows, g.c, out[0] == 1, out);
  }

  private static @Nullable ConvolutionTiles of(
      Convolution g, Rows rows, long outputs, boolean canShare, long... out) {
    long lines = out[0] * out[1];
    long width = out[2];
    long taps = Math.max(1, rows.taps());
    if (lines * width > LIMIT || taps > LIMIT) {
      return null;
    }
    long positions = Math.max(1, lines * width);
    long samples = 1;
    if (positions < ENOUGH) {
      long fitting = Math.max(1, MOST / (taps * positions));
      long n = Math.max(1, g.n);
      samples = parts(n, parts(n, Math.min(fitting, parts(TOGETHER, positions)))); // evenly
    }
    long most = samples > 1 ? lines : lines(rows, outputs, canShare, lines, width);
    long pieces = 1;
    if (most == 0) { // not even one line
      long ofColumn = rows.panel(1, 1, VECTOR, canShare) / VECTOR;
      pieces = parts(width, Math.max(LEAST, MOST / Math.max(1, ofColumn)));
      most = 1;
    }
    long bands = parts(lines, Math.max(1, most));
    if (samples == 1) {
      long wanted = parts(TASKS, Math.max(1, (long) g.n * g.groups));
      bands = Math.max(bands, Math.min(Math.min(wanted, lines), positions / LEAST));
    }
    long count = parts(lines, Math.max(1, bands));
    long columns = parts(width, pieces);
    long panel = rows.panel(samples, count, columns, canShare);
    if (panel > LIMIT) {
      return null;
    }
    return new ConvolutionTiles(
        (int) samples,
        (int) (Math.max(1, bands) * pieces),
        (int) pieces,
        panel,
        (int) (samples * count * columns),
        (int) lines,
        (int) width);
  }

  /** Returns how many lines a band has room for, perhaps none. */
  private static long lines(Rows rows, long outputs, boolean canShare, long lines, long width) {
    long most = Math.min(lines, 2 * MOST / Math.max(1, width * outputs));
    most = Math.max(1, most);
    if (rows.panel(1, most, width, canShare) <= MOST) {
      return most;
    }
    long low = 0; // a panel of so many lines fits, one of `most` does not
    while (low + 1 < most) {
      long middle = (low + most) / 2;
      if (rows.panel(1, middle, width, canShare) <= MOST) {
        low = middle;
      } else {
        most = middle;
      }
    }
    return low == 0 && width <= LEAST ? 1 : low;
  }

  private static int common(int a, int b) {
    return b == 0 ? a : common(b, a % b);
  }

  /** Rounded up to whole vectors. */
  static long vectors(long elements) {
    return parts(elements, VECTOR) * VECTOR;
  }

  private static long parts(long things, long most) {
    return (things + most - 1) / most;
  }

  /** Returns the first position of a band; for the one behind the last, the end of the output. */
  int bandStart(int band) {
    return pieces == 1
        ? part(lines, band, bands) * width
        : band / pieces * width + part(width, band % pieces, pieces);
  }

  private static int part(int things, int i, int parts) {
    return (int) ((long) things * i / parts);
  }
}
