package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.ChannelMoments;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import org.jspecify.annotations.Nullable;

/**
 * Batch renormalization (Ioffe, 2017): y = gamma (xHat r + d) + beta, with r = std / runningStd and
 * d = (mean - runningMean) / runningStd, both limited and constant. It is batch norm with gamma r
 * for gamma and beta + gamma d for beta, after one more pass over x for its statistics.
 */
final class Renormalization {
  /** r and d of each channel. */
  private record Correction(Tensor r, Tensor d) {}

  private final double rMax;
  private final double dMax;
  private final BatchNormOptions options;

  Renormalization(double rMax, double dMax, BatchNormOptions options) {
    this.rMax = rMax;
    this.dMax = dMax;
    this.options = options;
  }

  void correct(
      BatchNormBuilder call,
      @Nullable Tensor gamma,
      @Nullable Tensor beta,
      RunningStatistics running) {
    Correction correction = Checkpoint.kept(() -> compute(call.moments(), running));
    Tensor factor = correction.r();
    Tensor offset = correction.d();
    Tensor shift = gamma == null ? offset : gamma.multiply(offset);
    call.gamma(gamma == null ? factor : gamma.multiply(factor))
        .beta(beta == null ? shift : beta.add(shift));
  }

  private Correction compute(ChannelMoments batch, RunningStatistics running) {
    DType dtype = running.mean().dtype();
    int channels = running.mean().size();
    Tensor factor = Tensors.full(dtype, 1, channels).asConstant();
    Tensor offset = Tensors.full(dtype, 0, channels).asConstant();
    double eps = options.eps();
    for (int c = 0; c < channels; c++) {
      double runningStd = Math.sqrt(running.var().storage().get(c) + eps);
      double std = Math.sqrt(batch.var().storage().get(c) + eps);
      double distance = batch.mean().storage().get(c) - running.mean().storage().get(c);
      factor.storage().set(c, limit(std / runningStd, 1 / rMax, rMax));
      offset.storage().set(c, limit(distance / runningStd, -dMax, dMax));
    }
    return new Correction(factor, offset);
  }

  private static double limit(double value, double low, double high) {
    return Math.max(low, Math.min(high, value));
  }
}
