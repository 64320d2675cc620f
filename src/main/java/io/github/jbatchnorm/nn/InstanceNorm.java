package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Instance normalization (Ulyanov, Vedaldi and Lempitsky, 2016): x of shape (N, C, ...), or (N,
 * ..., C) by option, each channel of each sample with its own mean and variance. Without scale and
 * shift unless asked for, as PyTorch's. x of 16 bits keeps its dtype.
 *
 * <p>Training and evaluation are alike, unless {@link Builder#withStatistics} asks for running
 * statistics: then evaluation normalizes with these, as {@link BatchNorm} does.
 */
public final class InstanceNorm implements Layer {
  private final int channels;
  private final BatchNormOptions options;
  private final Affine affine;
  private final @Nullable RunningStatistics statistics;

  private InstanceNorm(Builder builder) {
    channels = builder.channels;
    options = BatchNormOptions.DEFAULT.withEps(builder.eps).withLayout(builder.layout);
    affine = builder.affine.create(channels);
    statistics =
        builder.tracks
            ? new RunningStatistics(builder.affine.dtype(), channels, builder.newValueWeight, true)
            : null;
  }

  /**
   * {@return a builder of a layer of C channels}
   *
   * @param channels C
   */
  public static Builder builder(int channels) {
    return new Builder(channels);
  }

  /** The options of a layer, each with its default. */
  public static final class Builder {
    private final int channels;
    private final Affine.Options affine = new Affine.Options(false);
    private double eps = 1e-5;
    private Layout layout = Layout.NCHW;
    private boolean tracks;
    private double newValueWeight;

    private Builder(int channels) {
      this.channels = channels;
    }

    /**
     * What is added to the variance; 1e-5 otherwise.
     *
     * @param newEps finite, 0 or more
     * @return this, for the next option
     * @throws IllegalArgumentException if it is not
     */
    public Builder eps(double newEps) {
      eps = Ranges.notNegative("eps", newEps);
      return this;
    }

    /**
     * Where the channels are in x: in the second axis, the default, or in the last one. Neither is
     * copied to the other.
     *
     * @param newLayout channels first or last
     * @return this, for the next option
     */
    public Builder layout(Layout newLayout) {
      layout = Objects.requireNonNull(newLayout, "layout");
      return this;
    }

    /**
     * The dtype of scale, shift and running statistics: f32, the default, or f64, with which x of
     * another dtype is promoted to f64.
     *
     * @param newDtype the type
     * @return this, for the next option
     * @throws IllegalArgumentException if it is neither
     */
    public Builder dtype(DType newDtype) {
      affine.dtype(newDtype);
      return this;
    }

    /**
     * A scale and a shift for each channel.
     *
     * @return this, for the next option
     */
    public Builder affine() {
      affine.both();
      return this;
    }

    /**
     * Running statistics, of which a training batch's count {@link BatchNorm#NEW_VALUE_WEIGHT}.
     *
     * @return this, for the next option
     */
    public Builder withStatistics() {
      return withStatistics(BatchNorm.NEW_VALUE_WEIGHT);
    }

    /**
     * Running statistics, as {@code track_running_stats=True} in PyTorch: training moves them
     * towards the averages, over the samples of a batch, of the means and the unbiased variances
     * that it normalizes with; evaluation normalizes with them. An empty batch leaves them alone.
     *
     * @param weight how much the batch counts, 0 to 1; PyTorch calls it momentum
     * @return this, for the next option
     * @throws IllegalArgumentException if it is not within 0 to 1
     */
    public Builder withStatistics(double weight) {
      newValueWeight = RunningStatistics.checkWeight(weight);
      tracks = true;
      return this;
    }

    /** {@return the layer} */
    public InstanceNorm build() {
      return new InstanceNorm(this);
    }
  }

  /**
   * Normalizes.
   *
   * @throws IllegalArgumentException if x has other than C channels, or, in training, only one
   *     element a channel: its variance says nothing
   */
  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    GroupNorm.check(x, channels, channels, options.layout(), mode);
    return OutputShapes.seen(this, normalize(x, mode));
  }

  private Tensor normalize(Tensor x, Mode mode) {
    if (statistics == null) {
      return Functions.instanceNorm(
          x, affine.gamma(), affine.beta(), options.eps(), options.layout());
    }
    BatchNormBuilder call =
        BatchNormOp.on(x).options(options).gamma(affine.gamma()).beta(affine.beta());
    return mode == Mode.EVALUATION || Serving.recalibrates()
        ? statistics.normalize(call)
        : train(call, x, statistics);
  }

  /** Each sample is a slice of the batch with statistics of its own. */
  private static Tensor train(BatchNormBuilder call, Tensor x, RunningStatistics statistics) {
    BatchNormOp op = call.groups(Math.max(1, x.dim(0))).operation();
    Tensor y = op.apply();
    if (x.size() > 0 && !Checkpoint.isRecomputing()) {
      statistics.move(op.mean(), op.var(), op.totalWeight());
    }
    return y;
  }

  /** Sets the running statistics, if there are any, back to mean 0, variance 1 and no batches. */
  public void resetStatistics() {
    if (statistics != null) {
      statistics.reset();
    }
  }

  /** {@return the scale, or null where there is none} */
  public @Nullable Tensor gamma() {
    return affine.gamma();
  }

  /** {@return the shift, or null where there is none} */
  public @Nullable Tensor beta() {
    return affine.beta();
  }

  /**
   * {@return the running mean, a constant of shape (C): the layer's own, which training changes,
   * not a copy; null where there is none}
   */
  public @Nullable Tensor runningMean() {
    return statistics == null ? null : statistics.mean();
  }

  /** {@return the running variance, as {@link #runningMean}} */
  public @Nullable Tensor runningVar() {
    return statistics == null ? null : statistics.var();
  }

  @Override
  public void visit(StateVisitor visitor) {
    affine.visit(visitor);
    if (statistics != null) {
      statistics.visit(visitor);
    }
  }

  @Override
  public String toString() {
    return LayerText.of(
        "InstanceNorm",
        Integer.toString(channels),
        "eps " + options.eps(),
        LayerText.when(options.layout() == Layout.NHWC, "channels last"),
        LayerText.when(affine.gamma() != null, "affine"),
        LayerText.when(statistics != null, "statistics"));
  }
}
