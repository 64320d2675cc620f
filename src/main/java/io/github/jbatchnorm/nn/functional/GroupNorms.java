package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Normalization of parts of each sample: batch norm of one sample in which each part is a channel,
 * with scale and shift, which are not a part's, after it.
 */
final class GroupNorms {
  private GroupNorms() {}

  /** Normalizes each of so many groups of channels; gamma and beta are of shape (C). */
  static Tensor ofGroups(
      Tensor x, int groups, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    if (x.ndim() < 2) {
      throw new IllegalArgumentException(
          "x: expected shape (N, C, ...), got " + Shapes.text(x.shape()));
    }
    int channels = x.dim(1);
    if (groups < 1 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "groups: expected a divisor of C = %s, got %s".formatted(channels, groups));
    }
    return parts(x, Shapes.size(x.dim(0), groups), ofChannels(x, gamma, beta), eps);
  }

  /** Normalizes each channel of each sample. */
  static Tensor ofChannels(Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    int groups = x.ndim() < 2 ? 1 : Math.max(1, x.dim(1));
    return ofGroups(x, groups, gamma, beta, eps);
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
    return parts(x, parts, new Affine(gamma, beta, shape, shape), eps);
  }

  private static String inner(int... shape) {
    String text = Shapes.text(shape);
    return text.substring(1, text.length() - 1);
  }

  private static Affine ofChannels(Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta) {
    int[] broadcast = new int[x.ndim() - 1];
    Arrays.fill(broadcast, 1);
    broadcast[0] = x.dim(1);
    return new Affine(gamma, beta, new int[] {x.dim(1)}, broadcast);
  }

  private static Tensor parts(Tensor x, int parts, Affine affine, double eps) {
    DType dtype = affine.dtype(x.dtype());
    if (affine.gamma == null && affine.beta == null) {
      return normalized(x, parts, eps);
    }
    // Of 16 bits scale and shift work on f32, so that one rounding to 16 bits is all there is.
    DType inner = Products.computed(dtype);
    return affine.apply(normalized(x.astype(inner), parts, eps)).astype(dtype);
  }

  private static Tensor normalized(Tensor x, int parts, double eps) {
    Tensor channels = x.reshape(1, parts, parts == 0 ? 0 : x.size() / parts);
    BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(eps);
    return BatchNormOp.on(channels).options(options).apply().reshape(x.shape());
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
    DType dtype(DType x) {
      DType dtype = x;
      for (Tensor tensor : new Tensor[] {gamma, beta}) {
        if (tensor != null && (tensor.dtype() == DType.F64 || dtype.bytes() != Short.BYTES)) {
          dtype = DType.promote(dtype, tensor.dtype());
        }
      }
      return dtype;
    }

    Tensor apply(Tensor x) {
      Tensor y = gamma == null ? x : x.multiply(gamma.reshape(broadcast));
      return beta == null ? y : y.add(beta.reshape(broadcast));
    }
  }
}
