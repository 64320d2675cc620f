package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Pooling;
import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Windows over the last axes of a tensor, and by them convolutions and pooling of more dimensions
 * than there are kernels for.
 */
final class Windows {
  /** The most dimensions that kernels go over. */
  static final int KERNEL_DIMENSIONS = 3;

  private Windows() {}

  /** Returns every window: shape (windows along each axis, axes before, window). */
  static Tensor of(Tensor x, int[] window, int[] step, int[] dilation) {
    int first = x.ndim() - window.length;
    boolean fits = first >= 0 && step.length == window.length && dilation.length == window.length;
    for (int d = 0; fits && d < window.length; d++) {
      long reach = (window[d] - 1L) * dilation[d] + 1;
      fits = window[d] >= 1 && step[d] >= 1 && dilation[d] >= 1 && reach <= x.dim(first + d);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "window: expected one within the last axes of x %s, and steps and dilations of 1 or more,"
                  .formatted(Shapes.text(x.shape()))
              + " as many, got %s, %s and %s"
                  .formatted(Shapes.text(window), Shapes.text(step), Shapes.text(dilation)));
    }
    int n = window.length;
    Index[] indices = new Index[first + n];
    Arrays.fill(indices, Index.all());
    for (int d = 0; d < n; d++) {
      int count = (x.dim(first + d) - (window[d] - 1) * dilation[d] - 1) / step[d] + 1;
      int[] shape = IntStream.generate(() -> 1).limit(2L * n).toArray();
      shape[d] = count;
      shape[n + d] = window[d];
      int[] places = new int[count * window[d]];
      for (int i = 0; i < places.length; i++) {
        places[i] = i / window[d] * step[d] + i % window[d] * dilation[d];
      }
      indices[first + d] = Index.ofShape(places, shape);
    }
    // The arrays' axes lie behind those before: the windows' own come first.
    int[] order =
        IntStream.concat(
                IntStream.range(first, first + n),
                IntStream.concat(
                    IntStream.range(0, first), IntStream.range(first + n, first + 2 * n)))
            .toArray();
    return n == 0 ? x : x.slice(indices).transpose(order);
  }

  /** Returns the convolution of more dimensions than kernels go over, by a product of matrices. */
  static Tensor conv(Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options) {
    int n = x.ndim() - 2;
    int groups = options.groups();
    if (groups < 1 || x.dim(1) % groups != 0) {
      throw new IllegalArgumentException(
          "groups: expected a divisor of C = %s, got %s".formatted(x.dim(1), groups));
    }
    if (filters.ndim() != x.ndim()
        || filters.dim(1) != x.dim(1) / groups
        || filters.dim(0) % groups != 0) {
      throw new IllegalArgumentException(
          "filters: expected shape (O, %s, ...) with %s axes and O a multiple of %s, got %s"
              .formatted(x.dim(1) / groups, x.ndim(), groups, Shapes.text(filters.shape())));
    }
    if (bias != null) {
      Conv.checkBias(filters, bias);
    }
    int[] window = Arrays.copyOfRange(filters.shape(), 2, n + 2);
    Tensor padded = padded(x, options.padding(n));
    Tensor windows = of(padded, window, options.stride(n), options.dilation(n));
    int[] out = Arrays.copyOf(windows.shape(), n);
    Tensor[] parts = new Tensor[groups];
    for (int g = 0; g < groups; g++) {
      parts[g] = part(windows, filters, n, g, groups);
    }
    Tensor y = groups == 1 ? parts[0] : Tensors.concatenate(1, parts); // (positions N, O)
    int[] shape = Arrays.copyOf(out, n + 2);
    shape[n] = x.dim(0);
    shape[n + 1] = filters.dim(0);
    y = bias == null ? y : y.add(bias);
    int[] order = IntStream.range(0, n + 2).map(axis -> (axis + n) % (n + 2)).toArray();
    return y.reshape(shape).transpose(order);
  }

  /** Returns what one group's filters make of its channels, shape (positions N, O / groups). */
  private static Tensor part(Tensor windows, Tensor filters, int n, int group, int groups) {
    int in = filters.dim(1);
    int out = filters.dim(0) / groups;
    Index[] channels = new Index[n + 2];
    Arrays.fill(channels, Index.all());
    channels[n + 1] = Index.range(group * in, (group + 1) * in);
    Tensor own = filters.slice(Index.range(group * out, (group + 1) * out));
    int taps = Shapes.size(Arrays.copyOfRange(filters.shape(), 1, n + 2));
    int rows = Shapes.size(Arrays.copyOf(windows.shape(), n + 1));
    return windows.slice(channels).reshape(rows, taps).matmul(own.reshape(out, taps), false, true);
  }

  /** Returns x with zeros around its axes from the third one on. */
  private static Tensor padded(Tensor x, int... padding) {
    if (padding.length != x.ndim() - 2 || Arrays.stream(padding).anyMatch(p -> p < 0)) {
      throw new IllegalArgumentException(
          "padding: expected %s numbers of 0 or more, got %s"
              .formatted(x.ndim() - 2, Shapes.text(padding)));
    }
    Tensor wider = x;
    for (int d = 0; d < padding.length; d++) {
      if (padding[d] > 0) {
        int[] shape = wider.shape();
        shape[d + 2] = padding[d];
        Tensor zeros = Tensors.zeros(x.dtype(), shape).asConstant();
        wider = Tensors.concatenate(d + 2, zeros, wider, zeros);
      }
    }
    return wider;
  }

  /** Returns the windows of a pooling, one after the other in the axes before: (..., window). */
  static Tensor pooled(Tensor x, int[] window, int[] stride) {
    int n = window.length;
    Tensor windows = of(x, window, stride, ones(n));
    int first = x.ndim() - n;
    int[] shape = Arrays.copyOf(windows.shape(), x.ndim() + 1);
    shape[x.ndim()] = Shapes.size(window);
    int[] order =
        IntStream.range(0, x.ndim() + 1)
            .map(axis -> axis < first ? n + axis : axis < x.ndim() ? axis - first : axis)
            .toArray();
    return windows.reshape(shape).transpose(order);
  }

  /** Returns the mean of each window. */
  static Tensor averages(Tensor x, int[] window, int[] stride) {
    if (window.length > KERNEL_DIMENSIONS) {
      return pooled(x, window, stride).mean(-1);
    }
    if (Products.computed(x.dtype()) != x.dtype()) { // of 16 bits: sums are f32's
      return averages(x.astype(DType.F32), window, stride).astype(x.dtype());
    }
    int[] shape = Pooling.of(x.shape(), window, stride).outShape();
    int first = x.ndim() - window.length;
    int[] planes = new int[window.length + 2];
    int[] ones = new int[window.length + 2];
    planes[0] = Shapes.size(Arrays.copyOf(x.shape(), first));
    planes[1] = 1;
    ones[0] = 1;
    ones[1] = 1;
    System.arraycopy(x.shape(), first, planes, 2, window.length);
    System.arraycopy(window, 0, ones, 2, window.length);
    // Sums of windows are a convolution with ones.
    Tensor filters = Tensors.ones(x.dtype(), ones).asConstant();
    Tensor sums =
        Conv.of(x.reshape(planes), filters, null, ConvOptions.DEFAULT.withStride(stride), 1);
    return sums.reshape(shape).divide(Shapes.size(window));
  }

  static int[] ones(int count) {
    return IntStream.generate(() -> 1).limit(count).toArray();
  }
}
