package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Layout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalization written in elementary operations: what gradients of any order are taken of,
 * where the kernel has none.
 */
final class BatchNormComposition {
  private final BatchNormShape shape;
  private final double eps;
  private final int groups;
  private final @Nullable Tensor weights;

  /**
   * Makes a composition.
   *
   * @param groups the number of slices of the batch, each with statistics of its own
   * @param weights N*S elements, or null
   */
  BatchNormComposition(BatchNormShape shape, double eps, int groups, @Nullable Tensor weights) {
    this.shape = shape;
    this.eps = eps;
    this.groups = groups;
    this.weights = weights == null ? null : weights.reshape(positionsShape()).astype(dtype());
  }

  private DType dtype() {
    return shape.dtype();
  }

  private boolean last() {
    return shape.layout() == Layout.NHWC;
  }

  private int[] dataShape() {
    int n = shape.n() / groups;
    return last()
        ? new int[] {groups, n, shape.s(), shape.c()}
        : new int[] {groups, n, shape.c(), shape.s()};
  }

  private int[] channelShape() {
    return last() ? new int[] {1, 1, 1, shape.c()} : new int[] {1, 1, shape.c(), 1};
  }

  private int[] positionsShape() {
    int n = shape.n() / groups;
    return last() ? new int[] {groups, n, shape.s(), 1} : new int[] {groups, n, 1, shape.s()};
  }

  /** The mean over each slice and channel, of what the weights count. */
  private Tensor mean(Tensor data) {
    int[] axes = {1, last() ? 2 : 3};
    if (weights == null) {
      return data.mean(true, axes);
    }
    return data.multiply(weights).sum(true, axes).divide(weights.sum(true, axes));
  }

  private Tensor counted(Tensor data) {
    return weights == null ? data : data.multiply(Steps.positive(weights));
  }

  /** Returns pre = gamma xHat + beta + z, in x's shape. */
  Tensor normalize(Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta, @Nullable Tensor z) {
    Tensor data = x.reshape(dataShape());
    Tensor centred = data.subtract(mean(data));
    Tensor y = centred.divide(mean(centred.multiply(centred)).add(eps).sqrt());
    if (gamma != null) {
      y = y.multiply(gamma.reshape(channelShape()));
    }
    if (beta != null) {
      y = y.add(beta.reshape(channelShape()));
    }
    if (z != null) {
      y = y.add(z.reshape(dataShape()));
    }
    return counted(y).reshape(x.shape());
  }

  /** Returns gamma / sqrt(var + eps) (dy - mean(dy) - xHat mean(dy xHat)), in x's shape. */
  Tensor inputGradient(Tensor x, Tensor dy, @Nullable Tensor gamma) {
    Tensor data = x.reshape(dataShape());
    Tensor grad = dy.reshape(dataShape());
    Tensor centred = data.subtract(mean(data));
    Tensor std = mean(centred.multiply(centred)).add(eps).sqrt();
    Tensor xHat = centred.divide(std);
    Tensor rest =
        grad.subtract(mean(grad)).subtract(xHat.multiply(mean(grad.multiply(xHat)))).divide(std);
    Tensor dx = gamma == null ? rest : rest.multiply(gamma.reshape(channelShape()));
    return dx.reshape(x.shape());
  }

  /** Returns sum(dy xHat), of C elements. */
  Tensor gammaGradient(Tensor x, Tensor dy) {
    Tensor xHat = normalize(x, null, null, null).reshape(dataShape());
    return dy.reshape(dataShape()).multiply(xHat).sumTo(channelShape()).reshape(shape.c());
  }

  /** Returns sum(dy), of C elements. */
  Tensor channelSum(Tensor dy) {
    return dy.reshape(dataShape()).sumTo(channelShape()).reshape(shape.c());
  }

  /** Returns a tensor of C elements in a shape that broadcasts along the channels of {@code x}. */
  static int[] broadcastShape(BatchNormShape shape, int ndim) {
    int[] axes = new int[ndim];
    Arrays.fill(axes, 1);
    axes[shape.layout() == Layout.NHWC ? ndim - 1 : 1] = shape.c();
    return axes;
  }

  /** Returns the gradient of a tail's input: grad where {@code pre} is above 0, else slope grad. */
  static Tensor bendGradient(Tensor grad, Tensor pre, double slope) {
    return slope == 1 ? grad : new BendGradient(grad, pre, slope).apply();
  }
}
