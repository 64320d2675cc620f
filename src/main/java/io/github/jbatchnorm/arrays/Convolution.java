package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Sizes;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The sizes of a cross-correlation of one to three dimensions: x of shape (N, C, ...), filters of
 * shape (O, C / groups, ...) and y of shape (N, O, ...), where each size of y is (size of x + 2
 * padding - dilation (size of filter - 1) - 1) / stride + 1. Output channel o of group g sees the
 * input channels of group g.
 *
 * <p>It is a product of the filters with panels of what their taps read, built for what stays in a
 * core's cache: a few samples, or of large ones a band of positions.
 */
public final class Convolution {
  private static final int DIMENSIONS = 3;

  /** The most parts that the gradient of the filters is summed in, side by side. */
  private static final int MOST_PARTS = 8;

  private static final int MOST_SIZE = 1 << 20;

  private final int dimensions;
  final int n;
  final int groups;
  final int c; // of one group
  final int o; // of one group
  final int[] in;
  final int[] taps;
  final int[] out = new int[DIMENSIONS];
  final int[] stride;
  final int[] padding;
  final int[] dilation;
  final ConvolutionTiles tiles;
  final ConvolutionTiles inputTiles;

  private Convolution(
      int[] x, int[] filters, int[] stride, int[] padding, int[] dilation, int groups) {
    this.dimensions = x.length - 2;
    this.n = x[0];
    this.groups = groups;
    this.c = x[1] / groups;
    this.o = filters[0] / groups;
    this.in = spatial(Arrays.copyOfRange(x, 2, x.length), 1);
    this.taps = spatial(Arrays.copyOfRange(filters, 2, x.length), 1);
    this.stride = spatial(stride, 1);
    this.padding = spatial(padding, 0);
    this.dilation = spatial(dilation, 1);
    for (int d = 0; d < DIMENSIONS; d++) {
      long reach = (taps[d] - 1L) * this.dilation[d] + 1;
      long room = in[d] + 2L * this.padding[d] - reach;
      if (taps[d] < 1 || room < 0) {
        throw new IllegalArgumentException(
            "filters: shape %s with padding %s and dilation %s does not fit x of shape %s"
                .formatted(text(filters), text(padding), text(dilation), text(x)));
      }
      out[d] = (int) Math.min(room / this.stride[d] + 1, Integer.MAX_VALUE);
    }
    Sizes.product("y", outShape());
    tiles = checkTiles(ConvolutionTiles.forward(this), x, filters);
    inputTiles = checkTiles(ConvolutionTiles.input(this), x, filters);
  }

  private static ConvolutionTiles checkTiles(
      @Nullable ConvolutionTiles tiles, int[] x, int[] filters) {
    if (tiles == null) {
      throw new IllegalArgumentException(
          "x: shape %s with filters of shape %s needs a panel of more than %s elements"
              .formatted(text(x), text(filters), ConvolutionTiles.LIMIT));
    }
    return tiles;
  }

  private static int[] spatial(int[] values, int missing) {
    int[] all = new int[DIMENSIONS];
    Arrays.fill(all, missing);
    System.arraycopy(values, 0, all, DIMENSIONS - values.length, values.length);
    return all;
  }

  private static String text(int... values) {
    return Arrays.toString(values).replace('[', '(').replace(']', ')');
  }

  /**
   * Returns the sizes.
   *
   * @param x the shape of x, with one to three axes after (N, C)
   * @param filters the shape of the filters, with as many
   * @param stride the filters' step, 1 or more, for each of these axes
   * @param padding zeros around x, 0 or more
   * @param dilation the distance of a filter's elements, 1 or more
   * @param groups how many groups the channels are in; it divides C and O
   * @throws IllegalArgumentException if they do not fit
   */
  public static Convolution of(
      int[] x, int[] filters, int[] stride, int[] padding, int[] dilation, int groups) {
    return checked(
        x.clone(), filters.clone(), stride.clone(), padding.clone(), dilation.clone(), groups);
  }

  /**
   * Returns the sizes of the convolution whose gradient for its input a transposed convolution is:
   * that one's y is x here. What it makes has {@link #xShape}: (size - 1) stride - 2 padding +
   * dilation (size of filter - 1) + outputPadding + 1 along each axis.
   *
   * @param x the shape (N, C, ...) of what is convolved, with one to three more axes
   * @param filters the shape (C, O / groups, ...) of the filters
   * @param stride the distance of the filters' copies, 1 or more, for each of these axes
   * @param padding what is cut off on each side, 0 or more
   * @param dilation the distance of a filter's elements, 1 or more
   * @param groups how many groups the channels are in; it divides C
   * @param outputPadding what is more at the end, 0 or more and less than the stride
   * @throws IllegalArgumentException if they do not fit
   */
  public static Convolution transposed(
      int[] x,
      int[] filters,
      int[] stride,
      int[] padding,
      int[] dilation,
      int groups,
      int... outputPadding) {
    int[] y = x.clone();
    checkAxes(y);
    checkGroups(groups, y[1]);
    if (filters.length != y.length || filters[0] != y[1]) {
      throw new IllegalArgumentException(
          "filters: expected shape (%s, O / groups, ...) with %s axes, got %s"
              .formatted(y[1], y.length, text(filters)));
    }
    check("stride", stride, y.length - 2, 1);
    check("padding", padding, y.length - 2, 0);
    check("dilation", dilation, y.length - 2, 1);
    check("outputPadding", outputPadding, y.length - 2, 0);
    y[1] = Sizes.product("filters", filters[1], groups);
    for (int d = 0; d < stride.length; d++) {
      if (outputPadding[d] >= stride[d]) {
        throw new IllegalArgumentException(
            "outputPadding: expected less than the stride %s, got %s"
                .formatted(text(stride), text(outputPadding)));
      }
      long reach = (x[d + 2] - 1L) * stride[d] + (filters[d + 2] - 1L) * dilation[d] + 1;
      long size = reach - 2L * padding[d] + outputPadding[d];
      if (x[d + 2] < 1 || size < 1) {
        throw new IllegalArgumentException(
            "x: shape %s with filters of shape %s and padding %s leaves nothing"
                .formatted(text(x), text(filters), text(padding)));
      }
      y[d + 2] = (int) Math.min(size, Integer.MAX_VALUE);
    }
    return of(y, filters, stride, padding, dilation, groups);
  }

  private static Convolution checked(
      int[] x, int[] filters, int[] stride, int[] padding, int[] dilation, int groups) {
    checkAxes(x);
    checkGroups(groups, x[1]);
    if (filters.length != x.length || filters[1] != x[1] / groups || filters[0] % groups != 0) {
      throw new IllegalArgumentException(
          "filters: expected shape (O, %s, ...) with %s axes and O a multiple of %s, got %s"
              .formatted(x[1] / groups, x.length, groups, text(filters)));
    }
    check("stride", stride, x.length - 2, 1);
    check("padding", padding, x.length - 2, 0);
    check("dilation", dilation, x.length - 2, 1);
    Sizes.product("x", x);
    Sizes.product("filters", filters);
    return new Convolution(x, filters, stride, padding, dilation, groups);
  }

  private static void checkAxes(int... x) {
    if (x.length < 3 || x.length > DIMENSIONS + 2) {
      throw new IllegalArgumentException(
          "x: expected shape (N, C, ...) with one to three more axes, got " + text(x));
    }
  }

  private static void checkGroups(int groups, int channels) {
    if (groups < 1 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "groups: expected a divisor of C = %s, got %s".formatted(channels, groups));
    }
  }

  private static void check(String name, int[] values, int count, int least) {
    boolean fits = values.length == count;
    for (int value : values) {
      fits &= value >= least && value <= MOST_SIZE;
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "%s: expected %s numbers from %s to %s, got %s"
              .formatted(name, count, least, MOST_SIZE, text(values)));
    }
  }

  private int[] shape(int first, int second, int... sizes) {
    int[] shape = new int[dimensions + 2];
    shape[0] = first;
    shape[1] = second;
    System.arraycopy(sizes, DIMENSIONS - dimensions, shape, 2, dimensions);
    return shape;
  }

  /**
   * Returns stride, padding, dilation and groups by name, and the slope below 0 of what follows.
   */
  public Map<String, Object> attributes(double slope) {
    return Map.of(
        "stride", used(stride),
        "padding", used(padding),
        "dilation", used(dilation),
        "groups", groups,
        "slope", slope);
  }

  private int[] used(int... values) {
    return Arrays.copyOfRange(values, DIMENSIONS - dimensions, DIMENSIONS);
  }

  /** Returns the shape of x. */
  public int[] xShape() {
    return shape(n, groups * c, in);
  }

  /** Returns the shape of the filters. */
  public int[] filterShape() {
    return shape(groups * o, c, taps);
  }

  /** Returns the shape of y. */
  public int[] outShape() {
    return shape(n, groups * o, out);
  }

  /** Elements of one channel of one sample of x. */
  int plane() {
    return in[0] * in[1] * in[2];
  }

  /** Elements of one channel of one sample of y. */
  int positions() {
    return out[0] * out[1] * out[2];
  }

  /** Elements of a filter. */
  int patch() {
    return c * filter();
  }

  /** Elements of one filter of one channel. */
  int filter() {
    return taps[0] * taps[1] * taps[2];
  }

  /** Batches of samples, and bands of their positions, that the filters' gradient is summed of. */
  int items() {
    return batches(tiles) * tiles.bands();
  }

  int batches(ConvolutionTiles of) {
    return (n + of.samples() - 1) / of.samples();
  }

  /** Phases of x: elements that leave the same remainders when they are divided by the stride. */
  long phases() {
    long phases = 1;
    for (int d = 0; d < DIMENSIONS; d++) {
      phases *= Math.min(stride[d], in[d]);
    }
    return phases;
  }

  /** Elements that a part of the gradient of the filters takes: (c, tap) by whole vectors of o. */
  long partSize() {
    return groups * (long) patch() * ConvolutionTiles.vectors(o);
  }

  /** Parts that the gradient of the filters is summed in. */
  int parts() {
    long fitting = Math.max(1, ConvolutionTiles.LIMIT / Math.max(1, partSize()));
    return (int) Math.max(1, Math.min(Math.min(items(), MOST_PARTS), fitting));
  }

  /** Checks that storages have these sizes and one dtype, f32 or f64. */
  void check(Storage x, Storage filters, Storage y) {
    Products.check("x", x.dtype());
    expect("x", x, (long) n * groups * c * plane(), x);
    expect("filters", filters, (long) groups * o * patch(), x);
    expect("y", y, (long) n * groups * o * positions(), x);
  }

  static void expect(String name, Storage storage, long length, Storage like) {
    if (storage.length() != length || storage.dtype() != like.dtype()) {
      throw new IllegalArgumentException(
          "%s: expected %s %s elements, got %s %s"
              .formatted(name, length, like.dtype(), storage.length(), storage.dtype()));
    }
  }
}
