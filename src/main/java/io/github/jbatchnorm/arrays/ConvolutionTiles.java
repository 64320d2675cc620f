package io.github.jbatchnorm.arrays;

import org.jspecify.annotations.Nullable;

/**
 * How a convolution is cut into products of matrices whose patches stay in a core's cache: a matter
 * of sizes alone, so that results do not depend on threads. Small images share a matrix of patches;
 * of large ones, forward goes over bands of positions, and gradients over blocks of channels, whose
 * sums are in the same order as without blocks.
 *
 * @param samples samples that share a matrix of patches
 * @param bands bands of positions; 1 where samples share a matrix
 * @param pieces pieces that a line of an output is cut into; 1 where a band is whole lines
 * @param inputBlocks blocks of channels for the gradient of x
 * @param filterBlocks blocks of channels for the gradient of the filters
 * @param patches elements of the largest matrix of patches in forward
 * @param gradientPatches elements of the largest one when gradients are computed
 * @param outputs elements of a matrix of outputs that samples share; 0 where each has its own
 * @param inner the most products that are summed for one element
 * @param lines lines of an output
 * @param width positions of a line
 * @param channels channels of a group, 1 or more
 */
record ConvolutionTiles(
    int samples,
    int bands,
    int pieces,
    int inputBlocks,
    int filterBlocks,
    int patches,
    long gradientPatches,
    int outputs,
    int inner,
    int lines,
    int width,
    int channels) {
  /** Columns that a matrix of patches should have at least: narrow products are slow. */
  private static final long COLUMNS = 192;

  /** Rows that one should have at least, for the same reason; fewer of images past the cache. */
  private static final long ROWS = 256;

  private static final long ROWS_OF_LARGE = 64;
  private static final long LARGE = 1 << 14;

  /** Elements that a matrix of patches should have at most. */
  private static final long MOST = 1 << 17;

  /**
   * Multiplications of a product that OpenBLAS's kernels for small matrices take, which copy
   * nothing: up to 2.7 times as fast, where columns or rows are enough.
   */
  private static final long SMALL = 1_000_000;

  private static final long ENOUGH = 48;

  /**
   * Filters at most for which the gradient of the filters is cut for OpenBLAS's kernels of small
   * matrices too: with more of them those are not used.
   */
  private static final long MOST_SMALL_FILTERS = 16;

  /** Elements that memory is had for: 1 GiB of doubles. */
  static final long LIMIT = 1 << 27;

  /** Returns the tiles, or null where a matrix would not fit the memory that there is for it. */
  static @Nullable ConvolutionTiles of(Convolution g) {
    long lines = (long) g.out[0] * g.out[1];
    long width = g.out[2];
    long filter = (long) g.taps[0] * g.taps[1] * g.taps[2];
    if (lines * width > LIMIT || filter > LIMIT || g.c * filter > LIMIT) {
      return null;
    }
    long n = Math.max(1, g.n);
    long patch = Math.max(1, g.c * filter);
    long small = SMALL / Math.max(1, g.o * patch); // columns
    long positions = Math.max(1, lines * width);
    long together =
        small >= ENOUGH ? Math.min(COLUMNS, small) / positions : parts(COLUMNS, positions);
    long samples = parts(n, parts(n, Math.max(1, together))); // evenly
    long columns = samples * lines * width; // of whole samples
    long most = Math.max(COLUMNS, MOST / patch); // columns of a band
    most = small >= ENOUGH ? Math.min(most, small) : most;
    long pieces = samples > 1 ? 1 : parts(width, most);
    long bands = samples > 1 ? 1 : parts(lines, Math.max(1, most / width)) * pieces;
    long band = samples > 1 ? columns : parts(lines * pieces, bands) * parts(width, pieces);
    long channels = Math.max(1, g.c);
    long least = Math.min(channels, parts(columns < LARGE ? ROWS : ROWS_OF_LARGE, filter));
    least = Math.min(least, Math.max(1, LIMIT / Math.max(1, vectors(columns) * filter)));
    long fitting = Math.max(least, MOST / Math.max(1, columns * filter)); // channels of a block
    long smallRows = SMALL / Math.max(1, g.o * columns);
    long inSmall = smallRows >= ENOUGH ? Math.max(1, smallRows / filter) : fitting;
    long inputBlocks = parts(channels, Math.min(fitting, inSmall));
    long filterBlocks = g.o <= MOST_SMALL_FILTERS ? inputBlocks : parts(channels, fitting);
    long blocks = Math.min(inputBlocks, filterBlocks);
    boolean direct = samples == 1 && g.visitsEachElementOnce();
    long patches = direct ? 0 : filter * g.c * vectors(band);
    long gradientPatches = direct ? 0 : filter * parts(channels, blocks) * vectors(columns);
    long outputs = samples > 1 ? g.o * columns : 0;
    if (patches > LIMIT || outputs > LIMIT) {
      return null;
    }
    return new ConvolutionTiles(
        (int) samples,
        (int) bands,
        (int) pieces,
        (int) inputBlocks,
        (int) filterBlocks,
        (int) patches,
        gradientPatches,
        (int) outputs,
        (int) Math.max(g.c * filter, Math.max(g.o, columns)),
        (int) lines,
        (int) width,
        (int) channels);
  }

  /** Rounded up to whole vectors, as a row of patches is. */
  static long vectors(long elements) {
    return parts(elements, 16) * 16;
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

  /** Returns the first channel of a block of so many; behind the last, the number of channels. */
  int blockStart(int block, int blocks) {
    return part(channels, block, blocks);
  }

  private static int part(int things, int i, int parts) {
    return (int) ((long) things * i / parts);
  }
}
