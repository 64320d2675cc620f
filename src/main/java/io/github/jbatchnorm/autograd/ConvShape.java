package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Storage;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The sizes of a two-dimensional convolution, and the matrix of patches that makes a product of it:
 * row (c, i, j), column (row, column of the output), element x[c, row*stride + i - padding,
 * column*stride + j - padding], 0 outside of x.
 */
record ConvShape(
    int n, int c, int h, int w, int o, int kh, int kw, int stride, int padding, int oh, int ow) {

  /**
   * Returns the sizes for x of shape (N, C, H, W) and filters of shape (O, C, KH, KW).
   *
   * @throws IllegalArgumentException if they do not fit
   */
  static ConvShape of(int[] x, int[] filters, int stride, int padding) {
    if (x.length != 4) {
      throw new IllegalArgumentException("x: expected shape (N, C, H, W), got " + Shapes.text(x));
    }
    if (filters.length != 4 || filters[1] != x[1]) {
      throw new IllegalArgumentException(
          "filters: expected shape (O, %d, KH, KW), got %s".formatted(x[1], Shapes.text(filters)));
    }
    if (stride < 1) {
      throw new IllegalArgumentException("stride: expected 1 or more, got " + stride);
    }
    if (padding < 0 || padding > Short.MAX_VALUE) {
      throw new IllegalArgumentException(
          "padding: expected 0 to %d, got %d".formatted(Short.MAX_VALUE, padding));
    }
    long h = x[2] + 2L * padding;
    long w = x[3] + 2L * padding;
    if (filters[2] < 1 || filters[3] < 1 || filters[2] > h || filters[3] > w) {
      throw new IllegalArgumentException(
          "filters: shape %s does not fit x of shape %s with padding %d"
              .formatted(Shapes.text(filters), Shapes.text(x), padding));
    }
    int oh = (int) ((h - filters[2]) / stride + 1);
    int ow = (int) ((w - filters[3]) / stride + 1);
    Shapes.size(x[1], filters[2], filters[3], oh, ow); // the patches of one sample fit
    return new ConvShape(
        x[0], x[1], x[2], x[3], filters[0], filters[2], filters[3], stride, padding, oh, ow);
  }

  /** Rows of the patch matrix. */
  int patch() {
    return c * kh * kw;
  }

  /** Columns of the patch matrix: the positions of the output. */
  int positions() {
    return oh * ow;
  }

  /** Elements of one sample of x. */
  int sample() {
    return c * h * w;
  }

  /** Elements of one sample of the output. */
  int outSample() {
    return o * oh * ow;
  }

  int[] xShape() {
    return new int[] {n, c, h, w};
  }

  int[] filterShape() {
    return new int[] {o, c, kh, kw};
  }

  int[] outShape() {
    return new int[] {n, o, oh, ow};
  }

  /** The first output index whose input index, index*stride + tap - padding, is not below 0. */
  private int first(int tap) {
    return Math.max(0, (padding - tap + stride - 1) / stride);
  }

  /** The output index after the last whose input index is below {@code size}; at most outSize. */
  private int end(int tap, int size, int outSize) {
    int last = Math.floorDiv(size - 1 + padding - tap, stride);
    return Math.min(outSize, last + 1);
  }

  /**
   * Fills the patch matrix of one sample. Elements outside x are left as they are: 0, in memory
   * that only this method with this shape has written.
   */
  void patches(Storage x, int sample, Storage into) {
    ByteBuffer from = x.bytes();
    ByteBuffer to = into.bytes();
    int bytes = x.dtype().bytes();
    for (int row = 0; row < patch(); row++) {
      int i = row / kw % kh;
      int j = row % kw;
      int first = first(j);
      int count = end(j, w, ow) - first;
      int plane = sample * sample() + row / (kh * kw) * h * w;
      for (int r = first(i); count > 0 && r < end(i, h, oh); r++) {
        int at = plane + (r * stride + i - padding) * w + first * stride + j - padding;
        int out = (row * oh + r) * ow + first;
        if (stride == 1) {
          to.put(out * bytes, from, at * bytes, count * bytes);
        } else {
          copyStrided(from, at, to, out, count, x.dtype());
        }
      }
    }
  }

  private void copyStrided(
      ByteBuffer from, int at, ByteBuffer to, int out, int count, DType dtype) {
    for (int k = 0; k < count; k++) {
      if (dtype == DType.F32) {
        to.putFloat((out + k) * 4, from.getFloat((at + k * stride) * 4));
      } else {
        to.putDouble((out + k) * 8, from.getDouble((at + k * stride) * 8));
      }
    }
  }

  /** Adds a patch matrix back to the sample it came from: the transpose of {@link #patches}. */
  void scatter(Storage patches, Storage x, int sample) {
    double[] plane = new double[h * w];
    double[] row = new double[positions()];
    for (int channel = 0; channel < c; channel++) {
      Arrays.fill(plane, 0);
      for (int tap = 0; tap < kh * kw; tap++) {
        patches.read((channel * kh * kw + tap) * row.length, row, 0, row.length);
        addRow(row, tap / kw, tap % kw, plane);
      }
      x.write(sample * sample() + channel * plane.length, plane, 0, plane.length);
    }
  }

  private void addRow(double[] row, int i, int j, double[] plane) {
    int first = first(j);
    int count = end(j, w, ow) - first;
    for (int r = first(i); r < end(i, h, oh); r++) {
      int at = (r * stride + i - padding) * w + first * stride + j - padding;
      int from = r * ow + first;
      for (int k = 0; k < count; k++) {
        plane[at + k * stride] += row[from + k];
      }
    }
  }
}
