package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Sizes;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.Map;

/** The sizes of a pooling over windows of one to three dimensions, of the last axes of x. */
public final class Pooling {
  private static final int DIMENSIONS = 3;

  final int planes;
  final int[] in;
  final int[] out = new int[DIMENSIONS];
  final int[] window;
  final int[] stride;
  private final int[] outShape;
  private final int dimensions;

  private Pooling(int[] x, int[] window, int[] stride) {
    int first = x.length - window.length;
    this.dimensions = window.length;
    Sizes.product("x", x);
    this.planes = Sizes.product("x", Arrays.copyOf(x, first));
    this.in = last(Arrays.copyOfRange(x, first, x.length));
    this.window = last(window);
    this.stride = last(stride);
    this.outShape = x.clone();
    for (int d = 0; d < DIMENSIONS; d++) {
      out[d] = (in[d] - this.window[d]) / this.stride[d] + 1;
      if (d >= DIMENSIONS - window.length) {
        outShape[first + d - DIMENSIONS + window.length] = out[d];
      }
    }
  }

  private static int[] last(int... values) {
    int[] all = {1, 1, 1};
    System.arraycopy(values, 0, all, DIMENSIONS - values.length, values.length);
    return all;
  }

  /**
   * Returns the sizes: each pooled axis becomes (size - window) / stride + 1.
   *
   * @param x the shape of x
   * @param window the window's size along each of the last one to three axes
   * @param stride the windows' distance along these
   * @throws IllegalArgumentException if they do not fit
   */
  public static Pooling of(int[] x, int[] window, int[] stride) {
    return checked(x.clone(), window.clone(), stride.clone());
  }

  private static Pooling checked(int[] x, int[] window, int[] stride) {
    boolean fits =
        window.length >= 1
            && window.length <= DIMENSIONS
            && window.length <= x.length
            && stride.length == window.length;
    for (int d = 0; fits && d < window.length; d++) {
      fits = window[d] >= 1 && window[d] <= x[x.length - window.length + d] && stride[d] >= 1;
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "window: expected 1 to the sizes of the last one to three axes of x %s, and strides of 1"
                  .formatted(Arrays.toString(x))
              + " or more, got %s and %s"
                  .formatted(Arrays.toString(window), Arrays.toString(stride)));
    }
    return new Pooling(x, window, stride);
  }

  /** Returns the shape of the result. */
  public int[] outShape() {
    return outShape.clone();
  }

  /** Returns window and stride by name, of the axes that are pooled. */
  public Map<String, Object> attributes() {
    return Map.of("window", pooled(window), "stride", pooled(stride));
  }

  private int[] pooled(int... values) {
    return Arrays.copyOfRange(values, DIMENSIONS - dimensions, DIMENSIONS);
  }

  int plane() {
    return in[0] * in[1] * in[2];
  }

  int positions() {
    return out[0] * out[1] * out[2];
  }

  /** Checks sizes, and that the picks are those of this very pooling. */
  void checkPicked(Storage dx, Storage dy, PickedElements picks) {
    check(dx, dy, picks);
    if (picks.of() != this) {
      throw new IllegalArgumentException("picks: expected those that maxPool found for this shape");
    }
  }

  /** Checks that each pick lies in its plane. */
  void checkEach(Storage picks) {
    IntBuffer all = NativeCall.bits(picks);
    int[] ofPlane = new int[positions()];
    for (int p = 0; p < planes; p++) {
      all.get(ofPlane);
      int first = p * plane();
      int least = first;
      int most = first;
      for (int element : ofPlane) {
        least = Math.min(least, element);
        most = Math.max(most, element);
      }
      if (least < first || most - first >= plane()) {
        throw new IllegalArgumentException(
            "picks: expected elements %s to %s in plane %s, got %s"
                .formatted(first, first + plane() - 1, p, least < first ? least : most));
      }
    }
  }

  void check(Storage x, Storage y, PickedElements picks) {
    Products.check("x", x.dtype());
    Convolution.expect("x", x, (long) planes * plane(), x);
    Convolution.expect("y", y, (long) planes * positions(), x);
    if (picks.length() != y.length()) {
      throw new IllegalArgumentException(
          "picks: expected %s, got %s".formatted(y.length(), picks.length()));
    }
  }
}
