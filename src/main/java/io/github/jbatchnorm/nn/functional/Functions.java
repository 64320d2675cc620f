package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The functions of neural networks that are not methods of {@link Tensor}. */
public final class Functions {
  private static final double SELU_ALPHA = 1.6732632423543772;
  private static final double SELU_SCALE = 1.0507009873554805;

  private Functions() {}

  /**
   * {@return y = gamma * (x - mean) / sqrt(var + eps) + beta, with mean and biased variance over
   * every axis but the channel's, axis 1} The result's creator is a {@link BatchNormOp}, which
   * shows mean and var. Mixed dtypes promote to f64; 16-bit x keeps its dtype beside f32
   * parameters. M, the number of elements of a channel, may be 1 (y = beta) or 0. After {@code
   * mygrad.nnet.batchnorm}; Ioffe and Szegedy, 2015. {@link BatchNormOp#on} has everything else.
   *
   * @param x batch, shape (N, C, ...)
   * @param gamma scale, C elements along one axis, others of size 1, or null for 1
   * @param beta shift, C elements likewise, or null for 0
   * @param eps added to the variance; where var + eps is 0, the channel's y is NaN
   * @throws IllegalArgumentException if x has fewer than two axes, gamma or beta has other than C
   *     elements along one axis, or eps is negative, NaN or infinite
   */
  public static Tensor batchnorm(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    Objects.requireNonNull(x, "x");
    return batchnorm(x, gamma, beta, BatchNormOptions.DEFAULT.withEps(eps));
  }

  /**
   * As {@link #batchnorm(Tensor, Tensor, Tensor, double)}, with a layout and a tail of choice.
   *
   * @param x shape (N, C, ...)
   * @param gamma the scale, C elements, or null for 1
   * @param beta the shift, C elements, or null for 0
   * @param options the options
   * @return y, of x's shape
   */
  public static Tensor batchnorm(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, BatchNormOptions options) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(options, "options");
    return BatchNormOp.on(x).gamma(gamma).beta(beta).options(options).apply();
  }

  /**
   * {@return y = gamma * (x - mean) / sqrt(var + eps) + beta, with mean and biased variance over
   * each group of C / groups channels of each sample (Wu and He, 2018)} By the batch-norm kernel,
   * in which each group is a channel; gamma and beta add a rounding each. Dtypes are as {@link
   * #batchnorm(Tensor, Tensor, Tensor, double)} has them.
   *
   * @param x batch, shape (N, C, ...)
   * @param groups how many; they divide C
   * @param gamma scale, shape (C), or null for 1
   * @param beta shift, shape (C), or null for 0
   * @param eps added to the variance; where var + eps is 0, the group's y is NaN
   * @throws IllegalArgumentException if the shapes do not fit, groups does not divide C, or eps is
   *     negative, NaN or infinite
   */
  public static Tensor groupNorm(
      Tensor x, int groups, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    return groupNorm(x, groups, gamma, beta, eps, Layout.NCHW);
  }

  /**
   * As {@link #groupNorm(Tensor, int, Tensor, Tensor, double)}, of either layout; x is not copied
   * from one to the other.
   *
   * @param x batch, shape (N, C, ...), or (N, ..., C)
   * @param groups how many; they divide C
   * @param gamma scale, shape (C), or null for 1
   * @param beta shift, shape (C), or null for 0
   * @param eps added to the variance
   * @param layout where the channels are
   * @return y, of x's shape
   * @throws IllegalArgumentException as without a layout
   */
  public static Tensor groupNorm(
      Tensor x,
      int groups,
      @Nullable Tensor gamma,
      @Nullable Tensor beta,
      double eps,
      Layout layout) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(layout, "layout");
    return GroupNorms.ofGroups(x, groups, gamma, beta, eps, layout);
  }

  /**
   * As {@link #groupNorm(Tensor, int, Tensor, Tensor, double)}, with a group for each channel
   * (Ulyanov, Vedaldi and Lempitsky, 2016).
   *
   * @param x batch, shape (N, C, ...)
   * @param gamma scale, shape (C), or null for 1
   * @param beta shift, shape (C), or null for 0
   * @param eps added to the variance
   * @return y, of x's shape
   * @throws IllegalArgumentException as groupNorm
   */
  public static Tensor instanceNorm(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    return instanceNorm(x, gamma, beta, eps, Layout.NCHW);
  }

  /**
   * As {@link #instanceNorm(Tensor, Tensor, Tensor, double)}, of either layout; x is not copied
   * from one to the other.
   *
   * @param x batch, shape (N, C, ...), or (N, ..., C)
   * @param gamma scale, shape (C), or null for 1
   * @param beta shift, shape (C), or null for 0
   * @param eps added to the variance
   * @param layout where the channels are
   * @return y, of x's shape
   * @throws IllegalArgumentException as without a layout
   */
  public static Tensor instanceNorm(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps, Layout layout) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(layout, "layout");
    return GroupNorms.ofChannels(x, gamma, beta, eps, layout);
  }

  /**
   * As {@link #groupNorm(Tensor, int, Tensor, Tensor, double)}, with mean and variance over the
   * last axes, and a scale and shift for each of their elements (Ba, Kiros and Hinton, 2016).
   *
   * @param x shape (..., shape)
   * @param shape the last axes' sizes, of one axis or more
   * @param gamma scale, of that shape, or null for 1
   * @param beta shift, of that shape, or null for 0
   * @param eps added to the variance
   * @return y, of x's shape
   * @throws IllegalArgumentException as groupNorm
   */
  public static Tensor layerNorm(
      Tensor x, int[] shape, @Nullable Tensor gamma, @Nullable Tensor beta, double eps) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(shape, "shape");
    return GroupNorms.ofLastAxes(x, shape, gamma, beta, eps);
  }

  /**
   * {@return x weight^T + bias, by OpenBLAS}
   *
   * @param x shape (N, in), or with more axes before the last
   * @param weight shape (out, in)
   * @param bias shape (out), or null for none
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor dense(Tensor x, Tensor weight, @Nullable Tensor bias) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(weight, "weight");
    if (weight.ndim() != 2) {
      throw new IllegalArgumentException(
          "weight: expected shape (out, in), got " + Shapes.text(weight.shape()));
    }
    if (x.ndim() < 2 || x.dim(-1) != weight.dim(1)) {
      throw new IllegalArgumentException(
          "x: expected shape (N, %s), as the weights have it, got %s"
              .formatted(weight.dim(1), Shapes.text(x.shape())));
    }
    if (bias == null) {
      return x.matmul(weight, false, true);
    }
    if (bias.ndim() != 1 || bias.size() != weight.dim(0)) {
      throw new IllegalArgumentException(
          "bias: expected shape (%s) (out), got %s"
              .formatted(weight.dim(0), Shapes.text(bias.shape())));
    }
    // Of 16 bits the sum is f32's, so that it is rounded once.
    DType dtype = DType.promote(DType.promote(x.dtype(), weight.dtype()), bias.dtype());
    DType inner = Products.computed(dtype);
    Tensor product = x.astype(inner).matmul(weight.astype(inner), false, true);
    return product.add(bias.astype(inner)).astype(dtype);
  }

  /**
   * {@return the cross-correlation of x with filters, of one or more dimensions: shape (N, O, ...)
   * with (size + 2 padding - dilation (filter - 1) - 1) / stride + 1 along each, by products of
   * matrices ({@link io.github.jbatchnorm.arrays.Products})} Of more than three dimensions it is
   * composed of other operations, with a copy of every window.
   *
   * @param x shape (N, C, ...)
   * @param filters shape (O, C / groups, ...)
   * @param bias shape (O), or null for none
   * @param options stride, padding, dilation and groups
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor conv(Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options) {
    return Conv.of(x, filters, bias, options, 1);
  }

  /**
   * As {@link #conv(Tensor, Tensor, Tensor, ConvOptions)}, followed by ReLU in the same pass.
   *
   * @param x shape (N, in, ...)
   * @param filters shape (out, in / groups, ...)
   * @param bias shape (out), or null for none
   * @param options the options
   * @return shape (N, out, ...)
   */
  public static Tensor convRelu(
      Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options) {
    return Conv.of(x, filters, bias, options, 0);
  }

  /**
   * As {@link #conv(Tensor, Tensor, Tensor, ConvOptions)}, without a bias.
   *
   * @param x shape (N, in, height, width)
   * @param filters shape (out, in, height, width)
   * @param stride the step along each axis
   * @param padding zeros on each side
   * @return shape (N, out, ...)
   */
  public static Tensor conv(Tensor x, Tensor filters, int stride, int padding) {
    return conv(x, filters, null, ConvOptions.DEFAULT.withStride(stride).withPadding(padding));
  }

  /**
   * {@return the transposed convolution of x with filters, of one to three dimensions: what the
   * gradient of {@link #conv(Tensor, Tensor, Tensor, ConvOptions)} with these options does} Along
   * each axis it has (size - 1) stride - 2 padding + dilation (filter - 1) + outputPadding + 1
   * elements.
   *
   * @param x shape (N, C, ...)
   * @param filters shape (C, O / groups, ...)
   * @param bias shape (O), or null for none
   * @param options stride, padding, dilation and groups of the convolution
   * @param outputPadding how many more elements there are at the end of each axis, less than the
   *     stride; one number for all axes, none for 0
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor convTranspose(
      Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options, int... outputPadding) {
    Objects.requireNonNull(outputPadding, "outputPadding");
    return ConvTranspose.of(x, filters, bias, options, outputPadding);
  }

  /**
   * {@return each element so often along each axis after the channel's}
   *
   * @param x shape (N, C, ...)
   * @param factors by how much each axis grows, 1 or more; one number for all axes
   * @throws IllegalArgumentException if there are other than one or as many as axes
   */
  public static Tensor upsampleNearest(Tensor x, int... factors) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(factors, "factors");
    return Upsampling.nearest(x, factors);
  }

  /**
   * As {@link #upsampleNearest}, with values on the lines between the elements, bilinear for two
   * axes: PyTorch's {@code align_corners=False}, in which an element lies in the middle of those
   * that it becomes, and values past the first and last are theirs.
   *
   * @param x shape (N, C, ...)
   * @param factors by how much each axis grows, 1 or more; one number for all axes
   * @return the larger tensor
   * @throws IllegalArgumentException if there are other than one or as many as axes
   */
  public static Tensor upsampleLinear(Tensor x, int... factors) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(factors, "factors");
    return Upsampling.linear(x, factors);
  }

  /**
   * {@return the rows of a matrix that numbers choose: shape (indices' shape, features)} A row's
   * gradient is the sum of those of its places, in their order, in f64 and rounded once: the same
   * bits for any number of threads.
   *
   * @param indices whole numbers from 0 to rows - 1, as {@link Tensor#ofInts}
   * @param weight shape (rows, features)
   * @throws IllegalArgumentException if a number is out of range, or weight has other than two axes
   */
  public static Tensor embedding(Tensor indices, Tensor weight) {
    Objects.requireNonNull(indices, "indices");
    Objects.requireNonNull(weight, "weight");
    return Lookup.of(indices, weight);
  }

  /**
   * As {@link #embedding(Tensor, Tensor)}, with a row that gets no gradient.
   *
   * @param indices whole numbers from 0 to rows - 1
   * @param weight shape (rows, features)
   * @param paddingIndex the number of that row
   * @return shape (indices' shape, features)
   * @throws IllegalArgumentException if a number is out of range, or weight has other than two axes
   */
  public static Tensor embedding(Tensor indices, Tensor weight, int paddingIndex) {
    Objects.requireNonNull(indices, "indices");
    Objects.requireNonNull(weight, "weight");
    return Lookup.of(indices, weight, paddingIndex);
  }

  /**
   * {@return the largest element of each window; each pooled axis becomes (size - window) / stride
   * + 1} Of more than three axes it is composed of other operations, with a copy of every window.
   *
   * @param x any shape
   * @param window the window's size along each of the last axes
   * @param stride the windows' distance along these
   * @throws IllegalArgumentException if the window does not fit
   */
  public static Tensor maxPool(Tensor x, int[] window, int[] stride) {
    return window.length > Windows.KERNEL_DIMENSIONS
        ? Windows.pooled(x, window, stride).max(-1)
        : MaxPool.of(x, window, stride);
  }

  /**
   * As {@link #maxPool(Tensor, int[], int[])}, over squares of the last two axes.
   *
   * @param x shape (N, C, height, width)
   * @param window the window's side
   * @param stride the step along each axis
   * @return the largest of each square
   */
  public static Tensor maxPool(Tensor x, int window, int stride) {
    return MaxPool.of(x, new int[] {window, window}, new int[] {stride, stride});
  }

  /**
   * {@return the mean of each window; each pooled axis becomes (size - window) / stride + 1} As
   * {@link #maxPool(Tensor, int[], int[])} of more than three axes.
   *
   * @param x any shape
   * @param window the window's size along each of the last axes
   * @param stride the windows' distance along these
   * @throws IllegalArgumentException if the window does not fit
   */
  public static Tensor avgPool(Tensor x, int[] window, int[] stride) {
    return Windows.averages(x, window, stride);
  }

  /**
   * {@return every window over the last axes of x, a copy: shape (windows along each axis, the axes
   * before, the window's), as MyGrad's sliding_window_view}
   *
   * @param x any shape
   * @param window the window's size along each of the last axes
   * @param step the windows' distance along each, 1 or more
   * @param dilation the distance of a window's elements along each, 1 or more
   * @throws IllegalArgumentException if the window does not fit
   */
  public static Tensor slidingWindows(Tensor x, int[] window, int[] step, int[] dilation) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(window, "window");
    Objects.requireNonNull(step, "step");
    Objects.requireNonNull(dilation, "dilation");
    return Windows.of(x, window, step, dilation);
  }

  /**
   * {@return the mean of each channel of each sample: (N, C, ...) to (N, C)}
   *
   * @param x shape (N, C, ...)
   * @throws IllegalArgumentException if x has fewer than two axes
   */
  public static Tensor globalAvgPool(Tensor x) {
    if (x.ndim() < 2) {
      throw new IllegalArgumentException(
          "x: expected shape (N, C, ...), got " + Shapes.text(x.shape()));
    }
    return x.ndim() == 2 ? x.multiply(1) : x.mean(IntStream.range(2, x.ndim()).toArray());
  }

  /**
   * {@return x with each element set to 0 with probability p and the others divided by 1 - p
   * (Srivastava et al., 2014)}
   *
   * @param x the input
   * @param p 0 to less than 1
   * @param random one number is drawn for each element, in order
   * @throws IllegalArgumentException if p is out of range
   */
  public static Tensor dropout(Tensor x, double p, RandomGenerator random) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(random, "random");
    if (!(p >= 0 && p < 1)) {
      throw new IllegalArgumentException("p: expected 0 or more and less than 1, got " + p);
    }
    Storage mask = Storage.uninitialized(x.dtype(), x.size());
    for (int i = 0; i < mask.length(); i++) {
      mask.set(i, random.nextDouble() < p ? 0 : 1 / (1 - p));
    }
    return x.multiply(Tensor.constant(mask, x.shape()));
  }

  /**
   * {@return x where x is above 0, else alpha (exp(x) - 1) (Clevert et al., 2016)}
   *
   * @param x the input
   * @param alpha the scale below 0
   */
  public static Tensor elu(Tensor x, double alpha) {
    Objects.requireNonNull(x, "x");
    return x.elu(alpha);
  }

  /**
   * {@return the scaled elu of self-normalizing networks (Klambauer et al., 2017)}
   *
   * @param x the input
   */
  public static Tensor selu(Tensor x) {
    Objects.requireNonNull(x, "x");
    return elu(x, SELU_ALPHA).multiply(SELU_SCALE);
  }

  /**
   * {@return a sigmoid(b), where a and b are x's halves along an axis (Dauphin et al., 2017)}
   *
   * @param x the input
   * @param axis which axis, negative from the end
   * @throws IllegalArgumentException if the axis is out of range or its size is odd
   */
  public static Tensor glu(Tensor x, int axis) {
    int at = Shapes.axis(x.ndim(), axis);
    if (x.dim(at) % 2 != 0) {
      throw new IllegalArgumentException(
          "x: expected an even size of axis %s, got shape %s"
              .formatted(at, Shapes.text(x.shape())));
    }
    Index[] first = new Index[at + 1];
    Arrays.fill(first, Index.all());
    Index[] second = first.clone();
    first[at] = Index.to(x.dim(at) / 2);
    second[at] = Index.from(x.dim(at) / 2);
    return x.slice(first).multiply(x.slice(second).sigmoid());
  }

  /**
   * {@return x, but at least low and at most high: usually -1 and 1}
   *
   * @param x the input
   * @param low the lower bound
   * @param high the upper bound
   */
  public static Tensor hardTanh(Tensor x, double low, double high) {
    return x.clip(low, high);
  }

  /**
   * {@return x / (1 + |x|)}
   *
   * @param x the input
   */
  public static Tensor softSign(Tensor x) {
    return x.divide(x.abs().add(1));
  }

  /**
   * {@return exp(x) / sum(exp(x)) over one or more axes, without overflow}
   *
   * @param x the input
   * @param axis which axis, negative from the end
   * @param others more axes to sum over
   * @throws IllegalArgumentException if an axis is out of range or named twice
   */
  public static Tensor softmax(Tensor x, int axis, int... others) {
    return logSoftmax(x, axis, others).exp();
  }

  /**
   * {@return exp(x) / sum(exp(x)) over the last axis, without overflow}
   *
   * @param x the input
   */
  public static Tensor softmax(Tensor x) {
    return logSoftmax(x).exp();
  }

  /**
   * {@return the logarithm of the softmax over one or more axes}
   *
   * @param x the input
   * @param axis which axis, negative from the end
   * @param others more axes to sum over
   * @throws IllegalArgumentException if an axis is out of range or named twice
   */
  public static Tensor logSoftmax(Tensor x, int axis, int... others) {
    int[] axes = Arrays.copyOf(others, others.length + 1);
    axes[others.length] = axis;
    return LogSoftmax.over(x, axes);
  }

  /**
   * {@return the logarithm of the softmax over the last axis}
   *
   * @param x the input
   */
  public static Tensor logSoftmax(Tensor x) {
    Objects.requireNonNull(x, "x");
    return new LogSoftmax(x).apply();
  }

  /**
   * As {@link Losses#softmaxCrossentropy}.
   *
   * @param x scores, shape (N, classes)
   * @param labels the classes, one a sample
   * @return the loss
   */
  public static Tensor softmaxCrossentropy(Tensor x, int... labels) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(labels, "labels");
    return Losses.softmaxCrossentropy(x, labels);
  }
}
