package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Moments;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The running mean and variance of a {@link BatchNorm}, f32, of shape (C). */
final class RunningStatistics {
  /** In place of a weight: every batch counts alike. */
  static final double CUMULATIVE = -1;

  private final double newValueWeight;
  private final boolean unbiased;
  private final Tensor mean;
  private final Tensor var;
  private long batches;

  /** Where the batches' moments are merged instead, while a model is recalibrated. */
  private @Nullable Moments collected;

  RunningStatistics(int channels, double newValueWeight, boolean unbiased) {
    this.newValueWeight = newValueWeight;
    this.unbiased = unbiased;
    this.mean = Initializers.filled(0, channels).asConstant();
    this.var = Initializers.filled(1, channels).asConstant();
  }

  Tensor mean() {
    return mean;
  }

  Tensor var() {
    return var;
  }

  /**
   * Moves towards a batch's statistics, of shape (C) or (groups, C), each over {@code count}
   * elements; those of groups by their averages.
   */
  void move(Tensor batchMean, Tensor batchVar, double count) {
    int groups = batchMean.ndim() == 1 ? 1 : batchMean.dim(0);
    if (collected != null) {
      for (int group = 0; group < groups; group++) {
        collected = collected.merge(moments(batchMean, batchVar, group, count));
      }
      return;
    }
    batches++;
    double weight = newValueWeight == CUMULATIVE ? 1.0 / batches : newValueWeight;
    double factor = unbiased ? count / (count - 1) : 1;
    move(mean, weight, c -> average(batchMean, c, groups));
    move(var, weight, c -> average(batchVar, c, groups) * factor);
  }

  private static double average(Tensor values, int c, int groups) {
    double sum = 0;
    for (int group = 0; group < groups; group++) {
      sum += values.storage().get(group * (values.size() / groups) + c);
    }
    return sum / groups;
  }

  private static void move(Tensor running, double weight, IntToDoubleFunction batch) {
    running.update(
        storage -> {
          for (int c = 0; c < storage.length(); c++) {
            storage.set(c, storage.get(c) * (1 - weight) + batch.applyAsDouble(c) * weight);
          }
        });
  }

  private Moments moments(Tensor batchMean, Tensor batchVar, int group, double count) {
    int channels = mean.size();
    double[] means = new double[channels];
    double[] squares = new double[channels];
    for (int c = 0; c < channels; c++) {
      means[c] = batchMean.storage().get(group * channels + c);
      squares[c] = batchVar.storage().get(group * channels + c) * count;
    }
    return Moments.of(count, means, squares);
  }

  /** From here on merges the batches' moments instead of moving. */
  void startCollecting() {
    collected = Moments.none(mean.size());
  }

  /**
   * Ends {@link #startCollecting}; the statistics become those of all the data, if there was any.
   */
  void finishCollecting(boolean keep) {
    Moments all = collected;
    collected = null;
    if (keep && all != null && all.count() > 1) {
      double[] means = all.mean();
      double[] vars = unbiased ? all.unbiasedVar() : all.var();
      move(mean, 1, c -> means[c]);
      move(var, 1, c -> vars[c]);
      batches = 1;
    }
  }

  void reset() {
    move(mean, 1, c -> 0);
    move(var, 1, c -> 1);
    batches = 0;
  }

  void visit(StateVisitor visitor) {
    visitor.statistic("running_mean", mean);
    visitor.statistic("running_var", var);
    visitor.count("num_batches_tracked", () -> batches, count -> batches = count);
  }
}
