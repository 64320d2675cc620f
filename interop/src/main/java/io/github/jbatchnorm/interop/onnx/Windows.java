package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.util.Arrays;

/** Windows over all axes after the second: their size, strides, dilations, what is around x. */
final class Windows {
  private final int[] kernel;
  private final int[] strides;
  private final int[] dilations;
  private final int[] before;
  private final int[] after;

  /**
   * 1 or -1 where as much is put around x that there is a window for each stride, what is odd at
   * the end or at the beginning; 0 for what the pads say.
   */
  private final int same;

  private Windows(int[] kernel, int[] strides, int[] dilations, int[] pads, int same) {
    this.kernel = kernel;
    this.strides = strides;
    this.dilations = dilations;
    this.before = Arrays.copyOf(pads, kernel.length);
    this.after = Arrays.copyOfRange(pads, kernel.length, pads.length);
    this.same = same;
  }

  static Windows of(NodeArguments node, int... kernel) throws FileFormatException {
    int n = kernel.length;
    String auto = node.text("auto_pad", "NOTSET");
    int same =
        switch (auto) {
          case "NOTSET", "VALID" -> 0;
          case "SAME_UPPER" -> 1;
          case "SAME_LOWER" -> -1;
          default -> throw node.attribute("auto_pad", "got " + auto);
        };
    int[] pads = node.sizes("pads", 2 * n, 0);
    int[] strides = node.sizes("strides", n, 1);
    int[] dilations = node.sizes("dilations", n, 1);
    boolean fits =
        Arrays.stream(kernel).allMatch(k -> k > 0)
            && Arrays.stream(strides).allMatch(s -> s > 0)
            && Arrays.stream(dilations).allMatch(d -> d > 0)
            && Arrays.stream(pads).allMatch(p -> p >= 0);
    if (!fits) {
      throw node.problem(
          "expected windows, strides and dilations of 1 or more and pads of 0 or more, got"
              + " %s, %s, %s and %s"
                  .formatted(
                      Arrays.toString(kernel),
                      Arrays.toString(strides),
                      Arrays.toString(dilations),
                      Arrays.toString(pads)));
    }
    return new Windows(kernel, strides, dilations, pads, same);
  }

  int[] kernel() {
    return kernel;
  }

  int[] strides() {
    return strides;
  }

  int[] dilations() {
    return dilations;
  }

  /** Returns what is around x on each side, where it is the same on both. */
  int[] padding() {
    return before;
  }

  /** Returns what is around x at the end of each axis. */
  int[] paddingAfter() {
    return after;
  }

  /** Whether as much is around x on one side as on the other, whatever its size. */
  boolean symmetric() {
    return same == 0 && Arrays.equals(before, after);
  }

  boolean padded() {
    return same != 0 || Arrays.stream(before).anyMatch(p -> p > 0) || !symmetric();
  }

  /** Returns a convolution's options; without padding where it is other on one side. */
  ConvOptions options(int groups) {
    return ConvOptions.DEFAULT
        .withStride(strides)
        .withDilation(dilations)
        .withPadding(symmetric() ? before : new int[kernel.length])
        .withGroups(groups);
  }

  /** Returns x with a value around it. */
  Tensor pad(Tensor x, double value) {
    int n = kernel.length;
    if (x.ndim() != n + 2) {
      throw new IllegalArgumentException(
          "x: expected %s axes, got shape %s".formatted(n + 2, Arrays.toString(x.shape())));
    }
    if (same == 0) {
      return ImportShapes.padded(x, before, after, value);
    }
    int[] low = new int[n];
    int[] high = new int[n];
    for (int i = 0; i < n; i++) {
      long size = x.dim(i + 2);
      long reach = (kernel[i] - 1L) * dilations[i] + 1;
      long windows = (size + strides[i] - 1) / strides[i];
      int missing = Math.toIntExact(Math.max(0, (windows - 1) * strides[i] + reach - size));
      low[i] = same > 0 ? missing / 2 : missing - missing / 2;
      high[i] = missing - low[i];
    }
    return ImportShapes.padded(x, low, high, value);
  }
}
