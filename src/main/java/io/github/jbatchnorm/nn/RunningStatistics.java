package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.ExactMoments;
import io.github.jbatchnorm.kernel.Moments;
import io.github.jbatchnorm.memory.DType;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The running mean and variance of a {@link BatchNorm} or {@link InstanceNorm}, f32 or f64, of
 * shape (C).
 */
final class RunningStatistics {
  /** In place of a weight: every batch counts alike. */
  static final double CUMULATIVE = -1;

  private final double newValueWeight;
  private final boolean unbiased;
  private final Tensor mean;
  private final Tensor var;
  private final AtomicLong batches = new AtomicLong();

  /** Where the batches' moments are merged instead, while a model is recalibrated. */
  private @Nullable Moments collected;

  RunningStatistics(DType dtype, int channels, double newValueWeight, boolean unbiased) {
    this.newValueWeight = newValueWeight;
    this.unbiased = unbiased;
    this.mean = Tensors.full(dtype, 0, channels).asConstant();
    this.var = Tensors.full(dtype, 1, channels).asConstant();
  }

  /** Returns a weight of the new value that is one. */
  static double checkWeight(double weight) {
    if (!(weight >= 0 && weight <= 1)) {
      throw new IllegalArgumentException("newValueWeight: expected 0 to 1, got " + weight);
    }
    return weight;
  }

  double newValueWeight() {
    return newValueWeight;
  }

  Tensor mean() {
    return mean;
  }

  Tensor var() {
    return var;
  }

  /** Both at one time. */
  record Snapshot(Tensor mean, Tensor var, long batches) {}

  /** Returns copies that stay as the statistics are now. */
  Snapshot snapshot() {
    return new Snapshot(mean.copy(), var.copy(), batches.get());
  }

  /**
   * Normalizes with the statistics as they are now. What backward needs is copied: the next
   * training step changes the statistics in place.
   */
  Tensor normalize(BatchNormBuilder call) {
    if (!NoAutodiff.isRecording() && !Checkpoint.isComputing()) {
      return call.given(mean, var).apply();
    }
    Snapshot now = Checkpoint.kept(this::snapshot);
    return call.given(now.mean(), now.var()).apply();
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
    Serving.checkShown(mean.size());
    long number = batches.incrementAndGet();
    double weight = newValueWeight == CUMULATIVE ? 1.0 / number : newValueWeight;
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

  /** Weights of 0 and 1 keep and replace whatever there is: NaN times 0 is not 0. */
  private static void move(Tensor running, double weight, IntToDoubleFunction batch) {
    if (weight == 0) {
      return;
    }
    if (weight == 1) {
      replace(running, batch);
      return;
    }
    running.update(
        storage -> {
          for (int c = 0; c < storage.length(); c++) {
            storage.set(c, storage.get(c) * (1 - weight) + batch.applyAsDouble(c) * weight);
          }
        });
  }

  private static void replace(Tensor running, IntToDoubleFunction value) {
    running.update(
        storage -> {
          for (int c = 0; c < storage.length(); c++) {
            storage.set(c, value.applyAsDouble(c));
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
      replace(mean, c -> means[c]);
      replace(var, c -> vars[c]);
      batches.set(1);
    }
  }

  /** Becomes the statistics of all data, rounded once. */
  void become(ExactMoments all) {
    double[] means = all.mean(mean.dtype());
    double[] vars = unbiased ? all.unbiasedVar(var.dtype()) : all.var(var.dtype());
    replace(mean, c -> means[c]);
    replace(var, c -> vars[c]);
    batches.set(1);
  }

  /** Becomes what it was when a snapshot was taken. */
  void restore(Snapshot then) {
    replace(mean, then.mean.storage()::get);
    replace(var, then.var.storage()::get);
    batches.set(then.batches);
  }

  void reset() {
    replace(mean, c -> 0);
    replace(var, c -> 1);
    batches.set(0);
  }

  void visit(StateVisitor visitor) {
    visitor.statistic("running_mean", mean);
    visitor.statistic("running_var", var);
    visitor.count("num_batches_tracked", batches);
  }
}
