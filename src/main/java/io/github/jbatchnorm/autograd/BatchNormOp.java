package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.kernel.Storage;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalization: y = gamma * (x - mean) / sqrt(var + eps) + beta, with the mean and the
 * biased variance of each channel of the batch. After MyGrad's {@code mygrad.nnet.batchnorm};
 * formulas and accuracy in docs/numerics.md.
 */
public final class BatchNormOp extends Operation {
  private final BatchNormShape shape;
  private final double eps;
  private final boolean hasGamma;
  private final boolean hasBeta;
  private final Storage mean;
  private final Storage var;
  private final Storage saved;

  /** The gradients that one call of the kernel found for {@link #gradientsOf}. */
  private Tensor[] gradients = {};

  private @Nullable Tensor gradientsOf;

  private BatchNormOp(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps, BatchNormShape shape) {
    super(Stream.of(x, gamma, beta).filter(Objects::nonNull).toArray(Tensor[]::new));
    this.shape = shape;
    this.eps = eps;
    this.hasGamma = gamma != null;
    this.hasBeta = beta != null;
    this.mean = Storage.allocate(x.dtype(), shape.c());
    this.var = Storage.allocate(x.dtype(), shape.c());
    this.saved = Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
  }

  /**
   * Returns an application that is not computed yet, for those who need {@link #mean} and {@link
   * #var} beside the output; {@link #apply} computes. Arguments as those of {@link
   * Functions#batchnorm(Tensor, Tensor, Tensor, double, Layout)}.
   */
  public static BatchNormOp of(
      Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, double eps, Layout layout) {
    DType dtype = x.dtype();
    for (Tensor parameter : new Tensor[] {gamma, beta}) {
      dtype = parameter == null ? dtype : DType.promote(dtype, parameter.dtype());
    }
    BatchNormShape shape = shape(x, dtype, layout);
    checkParameter("gamma", gamma, shape.c());
    checkParameter("beta", beta, shape.c());
    return new BatchNormOp(x.astype(dtype), cast(gamma, dtype), cast(beta, dtype), eps, shape);
  }

  /** As {@link #of}, with given statistics; x and beta share gamma's dtype. */
  static Tensor inference(
      Tensor x, Tensor gamma, Tensor beta, Tensor mean, Tensor var, double eps) {
    DType dtype = DType.promote(x.dtype(), gamma.dtype());
    BatchNormShape shape = shape(x, dtype, Layout.NCHW);
    checkParameter("gamma", gamma, shape.c());
    checkParameter("beta", beta, shape.c());
    checkParameter("mean", mean, shape.c());
    checkParameter("var", var, shape.c());
    int[] channels = new int[x.ndim()];
    Arrays.fill(channels, 1);
    channels[1] = shape.c();
    return new BatchNormInference(
            x.astype(dtype),
            gamma.astype(dtype),
            beta.astype(dtype),
            mean.astype(dtype),
            var.astype(dtype),
            eps,
            shape,
            channels)
        .apply();
  }

  private static BatchNormShape shape(Tensor x, DType dtype, Layout layout) {
    int[] axes = x.shape();
    if (axes.length < 2) {
      throw new IllegalArgumentException(
          "x: expected at least two axes, (N, C, ...), got shape " + Shapes.text(axes));
    }
    int channel = layout == Layout.NCHW ? 1 : axes.length - 1;
    int positions = 1;
    for (int axis = 1; axis < axes.length; axis++) {
      positions *= axis == channel ? 1 : axes[axis];
    }
    return new BatchNormShape(dtype, layout, axes[0], axes[channel], positions);
  }

  private static void checkParameter(String name, @Nullable Tensor parameter, int c) {
    if (parameter != null && parameter.size() != c) {
      throw new IllegalArgumentException(
          "%s: expected %d elements (C), got %d (shape %s)"
              .formatted(name, c, parameter.size(), Shapes.text(parameter.shape())));
    }
  }

  private static @Nullable Tensor cast(@Nullable Tensor parameter, DType dtype) {
    return parameter == null ? null : parameter.astype(dtype);
  }

  private @Nullable Tensor gamma() {
    return hasGamma ? input(1) : null;
  }

  private @Nullable Tensor beta() {
    return hasBeta ? input(inputs().size() - 1) : null;
  }

  private static @Nullable Storage storage(@Nullable Tensor parameter) {
    return parameter == null ? null : parameter.storage();
  }

  /** Returns M, the number of elements of a channel. */
  public long count() {
    return shape.m();
  }

  /** Returns the mean of each channel of the batch, a constant of shape (C). */
  public Tensor mean() {
    return Tensor.constant(mean, shape.c());
  }

  /** Returns the biased variance of each channel of the batch, without eps, of shape (C). */
  public Tensor var() {
    return Tensor.constant(var, shape.c());
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage y = Storage.allocate(x.dtype(), x.size());
    Kernels.current()
        .forward(shape, x.storage(), storage(gamma()), storage(beta()), eps, y, mean, var, saved);
    return Tensor.constant(y, x.shape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    if (NoAutodiff.isRecording()) {
      throw new UnsupportedOperationException(
          "batchnorm: gradients of its gradients are not there yet");
    }
    if (gradientsOf != grad) {
      gradients = compute(grad);
      gradientsOf = grad;
    }
    return gradients[input];
  }

  @Override
  void release() {
    gradients = new Tensor[0];
    gradientsOf = null;
  }

  private Tensor[] compute(Tensor grad) {
    Tensor[] found = inputs().stream().map(BatchNormOp::gradient).toArray(Tensor[]::new);
    Kernels.current()
        .backward(
            shape,
            input(0).storage(),
            grad.storage(),
            storage(gamma()),
            saved,
            eps,
            storage(found[0]),
            hasGamma ? storage(found[1]) : null,
            hasBeta ? storage(found[found.length - 1]) : null);
    return found;
  }

  /** Memory for the gradient of an input; null for a constant, whose gradient no one wants. */
  private static @Nullable Tensor gradient(Tensor input) {
    return input.isConstant()
        ? null
        : Tensor.constant(Storage.allocate(input.dtype(), input.size()), input.shape());
  }
}
