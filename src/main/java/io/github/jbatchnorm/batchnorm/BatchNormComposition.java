package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of batch normalization, and those of its gradients, written in elementary
 * operations: where the kernel has none, and where they are to have gradients themselves. In f64,
 * whatever the inputs are, so that the tape rounds each result once. Formulas in docs/numerics.md.
 */
final class BatchNormComposition {
  private final BatchNormShape shape;
  private final double eps;
  private final int groups;
  private final @Nullable Tensor weights;
  private final Tensor total;

  /**
   * Makes a composition.
   *
   * @param shape of the whole batch
   * @param groups the number of slices of the batch, each with statistics of its own
   * @param weights N*S elements, or null
   */
  BatchNormComposition(BatchNormShape shape, double eps, int groups, @Nullable Tensor weights) {
    this.shape = shape;
    this.eps = eps;
    this.groups = groups;
    this.weights = weights == null ? null : weights.reshape(positionsShape());
    this.total =
        this.weights == null
            ? Tensors.full(DType.F64, (double) shape.m() / groups).asConstant()
            : sum(this.weights);
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

  /** Returns the data in f64, 0 at what does not count, whatever is there. */
  private Tensor data(Tensor tensor) {
    return counted(tensor.astype(DType.F64).reshape(dataShape()));
  }

  private Tensor counted(Tensor data) {
    return weights == null
        ? data
        : Tensors.where(weights, data, Tensors.zeros(DType.F64).asConstant());
  }

  private Tensor perChannel(Tensor parameter) {
    return parameter.astype(DType.F64).reshape(channelShape());
  }

  private Tensor weighted(Tensor data) {
    return weights == null ? data : data.multiply(weights);
  }

  /** The sum over each slice and channel. */
  private Tensor sum(Tensor data) {
    return data.sum(true, 1, last() ? 2 : 3);
  }

  private Tensor mean(Tensor data) {
    return sum(data).divide(total);
  }

  private Tensor channelSums(Tensor data) {
    return data.sumTo(channelShape()).reshape(shape.c());
  }

  /** A batch's xHat, and its sqrt(var + eps). */
  private record Normalized(Tensor xHat, Tensor std) {}

  private Normalized normalized(Tensor x) {
    Tensor data = data(x);
    Tensor near = counted(data.subtract(mean(weighted(data))));
    Tensor centred = near.subtract(mean(weighted(near))); // without the first mean's rounding
    Tensor std = mean(weighted(centred.square())).add(eps).sqrt();
    return new Normalized(centred.divide(std), std);
  }

  /** Returns g - w mean(g) - w xHat mean(g xHat): of all gradients the part that reaches x. */
  private Tensor projected(Tensor g, Tensor xHat) {
    return g.subtract(weighted(mean(g).add(xHat.multiply(mean(g.multiply(xHat))))));
  }

  private static Tensor scaled(Tensor data, @Nullable Tensor factor) {
    return factor == null ? data : data.multiply(factor);
  }

  /** Returns gamma / sqrt(var + eps) (dy - w mean(dy) - w xHat mean(dy xHat)), in x's shape. */
  Tensor inputGradient(Tensor x, Tensor dy, @Nullable Tensor gamma) {
    Normalized batch = normalized(x);
    Tensor dx = projected(data(dy), batch.xHat).divide(batch.std);
    Tensor whole = scaled(dx, gamma == null ? null : perChannel(gamma));
    return counted(whole).reshape(x.shape());
  }

  /** Returns sum(dy xHat), of C elements. */
  Tensor gammaGradient(Tensor x, Tensor dy) {
    return channelSums(counted(data(dy).multiply(normalized(x).xHat)));
  }

  /** Returns sum(dy), of C elements. */
  Tensor betaGradient(Tensor dy) {
    return channelSums(data(dy));
  }

  /** Returns dy, 0 at what does not count. */
  Tensor addedGradient(Tensor dy) {
    return data(dy).reshape(dy.shape());
  }

  /** Returns the gradient of sum(v {@link #inputGradient}) for x, without weights. */
  Tensor inputGradientForInput(Tensor x, Tensor dy, @Nullable Tensor gamma, Tensor v) {
    Normalized batch = normalized(x);
    Tensor h = batch.xHat;
    Tensor g = data(dy);
    Tensor u = data(v);
    Tensor ofG = projected(g, h);
    Tensor whole =
        ofG.multiply(mean(u.multiply(h)))
            .add(projected(u, h).multiply(mean(g.multiply(h))))
            .add(h.multiply(mean(u.multiply(ofG))));
    Tensor dx = whole.divide(batch.std.square()).negate();
    return scaled(dx, gamma == null ? null : perChannel(gamma)).reshape(x.shape());
  }

  /** Returns the gradient of sum(v {@link #inputGradient}) for gamma, of C elements. */
  Tensor inputGradientForGamma(Tensor x, Tensor dy, Tensor v) {
    return channelSums(data(v).multiply(data(inputGradient(x, dy, null))));
  }

  /** Returns the gradient of sum(v {@link #gammaGradient}) for dy, v xHat, in x's shape. */
  Tensor gammaGradientForOutput(Tensor x, Tensor v) {
    return normalized(x).xHat.multiply(perChannel(v)).reshape(x.shape());
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
    return slope == 1 ? grad : grad.leakyReluGradient(pre, slope);
  }
}
