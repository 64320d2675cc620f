package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.BatchNormOp;
import io.github.jbatchnorm.autograd.Functions;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Layout;
import java.util.Arrays;

/**
 * Batch normalization with running statistics, f32: x of shape (N, C, ...).
 *
 * <p>Training normalizes with the batch's statistics and moves the running ones towards them:
 * running = running * (1 - weight) + batch * weight, with the unbiased variance, as PyTorch's
 * BatchNorm does, where the weight is called momentum. Evaluation normalizes with the running
 * statistics. An empty batch leaves them alone.
 */
public final class BatchNorm implements Layer {
  /** The default of the weight of the new value. */
  public static final double NEW_VALUE_WEIGHT = 0.1;

  private final double eps;
  private final Tensor gamma;
  private final Tensor beta;
  private final Tensor runningMean;
  private final Tensor runningVar;
  private long batches;

  /**
   * Makes a layer with gamma 1, beta 0, running mean 0 and running variance 1.
   *
   * @param channels C
   * @param eps added to the variance; finite, 0 or more
   * @throws IllegalArgumentException if eps is not
   */
  public BatchNorm(int channels, double eps) {
    if (!(eps >= 0) || Double.isInfinite(eps)) {
      throw new IllegalArgumentException("eps: expected a finite value of 0 or more, got " + eps);
    }
    this.eps = eps;
    this.gamma = Initial.filled(1, channels);
    this.beta = Initial.filled(0, channels);
    this.runningMean = Tensor.constant(Initial.filled(0, channels).storage(), channels);
    this.runningVar = Tensor.constant(Initial.filled(1, channels).storage(), channels);
  }

  /**
   * Normalizes.
   *
   * @throws IllegalArgumentException if x has other than C channels, or, in training, only one
   *     element a channel: its variance says nothing
   */
  @Override
  public Tensor forward(Tensor x, Mode mode) {
    if (mode == Mode.EVALUATION) {
      return Functions.batchnormInference(x, gamma, beta, runningMean, runningVar, eps);
    }
    BatchNormOp op = BatchNormOp.of(x, gamma, beta, eps, Layout.NCHW);
    if (op.count() == 1) {
      throw new IllegalArgumentException(
          "x: training needs more than one element a channel, got shape "
              + Arrays.toString(x.shape()));
    }
    Tensor y = op.apply();
    if (op.count() > 0) {
      double unbias = (double) op.count() / (op.count() - 1);
      move(runningMean, op.mean(), 1);
      move(runningVar, op.var(), unbias);
      batches++;
    }
    return y;
  }

  private static void move(Tensor running, Tensor batch, double factor) {
    running.update(
        storage -> {
          for (int c = 0; c < storage.length(); c++) {
            double value = batch.get(c) * factor;
            storage.set(c, storage.get(c) * (1 - NEW_VALUE_WEIGHT) + value * NEW_VALUE_WEIGHT);
          }
        });
  }

  /** Returns the running mean, a constant of shape (C). */
  public Tensor runningMean() {
    return runningMean;
  }

  /** Returns the running, unbiased variance, a constant of shape (C). */
  public Tensor runningVar() {
    return runningVar;
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.parameter("weight", gamma);
    visitor.parameter("bias", beta);
    visitor.statistic("running_mean", runningMean);
    visitor.statistic("running_var", runningVar);
    visitor.count("num_batches_tracked", () -> batches, count -> batches = count);
  }
}
