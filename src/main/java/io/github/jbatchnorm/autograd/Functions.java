package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import org.jspecify.annotations.Nullable;

/** The functions of neural networks that are not methods of {@link Tensor}. */
public final class Functions {
  private Functions() {}

  /**
   * Returns y = gamma * (x - mean) / sqrt(var + eps) + beta, with mean and biased variance over
   * every axis but the channel's, axis 1. The result's creator is a {@link BatchNormOp}, which
   * shows mean and var. Mixed dtypes promote to f64; 16-bit x keeps its dtype beside f32
   * parameters. M, the number of elements of a channel, may be 1 (y = beta) or 0. After {@code
   * mygrad.nnet.batchnorm}; Ioffe and Szegedy, 2015. {@link BatchNormOp#on} has everything else.
   *
   * @param x batch, shape (N, C, ...)
   * @param gamma scale, C elements in any shape, or null for 1
   * @param beta shift, C elements in any shape, or null for 0
   * @param eps added to the variance; where var + eps is 0, the channel's y is NaN
   * @throws IllegalArgumentException if x has fewer than two axes, gamma or beta has other than C
   *     elements, or eps is negative, NaN or infinite
   */
  public static Tensor batchnorm(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    return batchnorm(x, gamma, beta, BatchNormOptions.DEFAULT.withEps(eps));
  }

  /** As {@link #batchnorm(Tensor, Tensor, Tensor, double)}, with a layout and a tail of choice. */
  public static Tensor batchnorm(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, BatchNormOptions options) {
    return BatchNormOp.on(x).gamma(gamma).beta(beta).options(options).apply();
  }

  /**
   * Returns x weight^T + bias, by OpenBLAS.
   *
   * @param x shape (N, in)
   * @param weight shape (out, in)
   * @param bias shape (out)
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor dense(Tensor x, Tensor weight, Tensor bias) {
    return MatMul.of(x, false, weight, true).add(bias);
  }

  /**
   * Returns the cross-correlation of x with filters, of one to three dimensions: shape (N, O, ...)
   * with (size + 2 padding - dilation (filter - 1) - 1) / stride + 1 along each, by products of
   * matrices ({@link io.github.jbatchnorm.kernel.Products}).
   *
   * @param x shape (N, C, ...)
   * @param filters shape (O, C / groups, ...)
   * @param bias O elements, or null for none
   * @param options stride, padding, dilation and groups
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor conv(Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options) {
    return Conv.of(x, filters, bias, options, 1);
  }

  /** As {@link #conv(Tensor, Tensor, Tensor, ConvOptions)}, followed by ReLU in the same pass. */
  public static Tensor convRelu(
      Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options) {
    return Conv.of(x, filters, bias, options, 0);
  }

  /** As {@link #conv(Tensor, Tensor, Tensor, ConvOptions)}, without a bias. */
  public static Tensor conv(Tensor x, Tensor filters, int stride, int padding) {
    return conv(x, filters, null, ConvOptions.DEFAULT.withStride(stride).withPadding(padding));
  }

  /**
   * Returns the largest element of each window; each pooled axis becomes (size - window) / stride +
   * 1.
   *
   * @param x any shape
   * @param window the window's size along each of the last one to three axes
   * @param stride the windows' distance along these
   * @throws IllegalArgumentException if the window does not fit
   */
  public static Tensor maxPool(Tensor x, int[] window, int[] stride) {
    return MaxPool.of(x, window, stride);
  }

  /** As {@link #maxPool(Tensor, int[], int[])}, over squares of the last two axes. */
  public static Tensor maxPool(Tensor x, int window, int stride) {
    return MaxPool.of(x, new int[] {window, window}, new int[] {stride, stride});
  }

  /** Returns the logarithm of the softmax over the last axis. */
  public static Tensor logSoftmax(Tensor x) {
    return new LogSoftmax(x).apply();
  }

  /**
   * Returns the mean cross-entropy of softmax(x) against labels, without axes; NaN where N is 0.
   *
   * @param x scores, shape (N, K)
   * @param labels N classes, each 0 to K-1
   * @throws IllegalArgumentException if x is no matrix or a label is out of range
   */
  public static Tensor softmaxCrossentropy(Tensor x, int... labels) {
    if (x.ndim() != 2) {
      throw new IllegalArgumentException("x: expected shape (N, K), got " + Shapes.text(x.shape()));
    }
    int classes = x.dim(1);
    if (labels.length != x.dim(0)) {
      throw new IllegalArgumentException(
          "labels: expected %d (N), got %d".formatted(x.dim(0), labels.length));
    }
    int[] at = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            "labels: expected 0 to %d, got %d at index %d".formatted(classes - 1, labels[i], i));
      }
      at[i] = i * classes + labels[i];
    }
    return new Gather(logSoftmax(x), at, labels.length).apply().mean().negate();
  }
}
