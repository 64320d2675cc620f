package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Normalization of parts of each sample: batch norm of one sample in which each part is a channel,
 * with scale and shift, which are not a part's, after it.
 */
final class GroupNorms {
  private GroupNorms() {}

  /** Normalizes each of so many groups of channels; gamma and beta are of shape (C). */
  static Tensor ofGroups(
      Tensor x,
      int groups,
      @Nullable Tensor gamma,
      @Nullable Tensor beta,
      double eps,
      Layout layout) {
    boolean first = layout == Layout.NCHW;
    if (x.ndim() < 2) {
      throw new IllegalArgumentException(
          "x: expected shape %s, got %s"
              .formatted(first ? "(N, C, ...)" : "(N, ..., C)", Shapes.text(x.shape())));
    }
    int channels = x.dim(first ? 1 : -1);
    if (groups < 1 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "groups: expected a divisor of C = %s, got %s".formatted(channels, groups));
    }
    int samples = x.dim(0);
    Affine affine = new Affine(gamma, beta, new int[] {channels}, broadcast(x, channels, first));
    return affine.after(
        x,
        first
            ? inner -> normalized(inner, Shapes.size(samples, groups), eps)
            : inner -> normalizedLast(inner, groups, eps));
  }

  /** Normalizes each channel of each sample. */
  static Tensor ofChannels(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps, Layout layout) {
    int groups = x.ndim() < 2 ? 1 : Math.max(1, x.dim(layout == Layout.NCHW ? 1 : -1));
    return ofGroups(x, groups, gamma, beta, eps, layout);
  }

  /** Normalizes over the last axes, of which gamma and beta have the shape. */
  static Tensor ofLastAxes(
      Tensor x, int[] shape, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    int first = x.ndim() - shape.length;
    if (shape.length < 1
        || first < 0
        || !Arrays.equals(Arrays.copyOfRange(x.shape(), first, x.ndim()), shape)) {
      throw new IllegalArgumentException(
          "x: expected shape (..., %s) of one axis or more to normalize over, got %s"
              .formatted(inner(shape), Shapes.text(x.shape())));
    }
    int parts = Shapes.size(Arrays.copyOf(x.shape(), first));
    return new Affine(gamma, beta, shape, shape).after(x, inner -> normalized(inner, parts, eps));
  }

  private static String inner(int... shape) {
    String text = Shapes.text(shape);
    return text.substring(1, text.length() - 1);
  }

  private static int[] broadcast(Tensor x, int channels, boolean first) {
    int[] broadcast = new int[first ? x.ndim() - 1 : 1];
    Arrays.fill(broadcast, 1);
    broadcast[0] = channels;
    return broadcast;
  }

  private static Tensor normalized(Tensor x, int parts, double eps) {
    Tensor channels = x.reshape(1, parts, parts == 0 ? 0 : x.size() / parts);
    BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(eps);
    return BatchNormOp.on(channels).options(options).apply().reshape(x.shape());
  }

  /**
   * Channels last: as (positions, groups, channels of a group) x is a batch of positions with the
   * groups as channels, of which each sample is a slice with statistics of its own.
   */
  private static Tensor normalizedLast(Tensor x, int groups, double eps) {
    int samples = x.dim(0);
    int each = x.dim(-1) / groups;
    int positions = Shapes.size(Arrays.copyOf(x.shape(), x.ndim() - 1));
    return BatchNormOp.on(x.reshape(positions, groups, each))
        .options(BatchNormOptions.DEFAULT.withEps(eps))
        .groups(Math.max(1, samples))
        .apply()
        .reshape(x.shape());
  }

  /** A scale and a shift, each optional, and the shape in which they broadcast to x's. */
  private static final class Affine {
    private final @Nullable Tensor gamma;
    private final @Nullable Tensor beta;
    private final int[] broadcast;

    Affine(@Nullable Tensor gamma, @Nullable Tensor beta, int[] shape, int... broadcast) {
      check("gamma", gamma, shape);
      check("beta", beta, shape);
      this.gamma = gamma;
      this.beta = beta;
      this.broadcast = broadcast;
    }

    private static void check(String name, @Nullable Tensor tensor, int... shape) {
      if (tensor != null && !Arrays.equals(tensor.shape(), shape)) {
        throw new IllegalArgumentException(
            "%s: expected shape %s, got %s"
                .formatted(name, Shapes.text(shape), Shapes.text(tensor.shape())));
      }
    }

    /**
     * Returns the result's dtype, as batch norm has it: x's, where it is of 16 bits, beside f32.
     */
    private DType dtype(DType x) {
      DType dtype = x;
      for (Tensor tensor : new Tensor[] {gamma, beta}) {
        if (tensor != null && (tensor.dtype() == DType.F64 || dtype.bytes() != Short.BYTES)) {
          dtype = DType.promote(dtype, tensor.dtype());
        }
      }
      return dtype;
    }

    /** Scales and shifts what is made of x. */
    Tensor after(Tensor x, UnaryOperator<Tensor> normalize) {
      if (gamma == null && beta == null) {
        return normalize.apply(x);
      }
      DType dtype = dtype(x.dtype());
      // Of 16 bits scale and shift work on f32, so that one rounding to 16 bits is all there is.
      DType inner = Products.computed(dtype);
      return apply(normalize.apply(x.astype(inner))).astype(dtype);
    }

    private Tensor apply(Tensor x) {
      Tensor y = gamma == null ? x : x.multiply(gamma.reshape(broadcast));
      return beta == null ? y : y.add(beta.reshape(broadcast));
    }
  }
}
