package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.Objects;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalization with running statistics: x of shape (N, C, ...), or (N, ..., C) by option;
 * parameters and statistics in f32, or f64 by option.
 *
 * <p>Training normalizes with the batch's statistics and moves the running ones towards them:
 * running = running * (1 - weight) + batch * weight, with the unbiased variance, as PyTorch's
 * BatchNorm does, where the weight is called momentum; Keras's momentum is 1 - weight. Evaluation
 * normalizes with the running statistics as they are then: its gradients stay those of that
 * evaluation, however the statistics move until backward. An empty batch leaves them alone, and so
 * does a {@link Checkpoint} that computes a block again. {@link #builder} has the options.
 */
public final class BatchNorm implements Layer {
  /** The default of the weight of the new value. */
  public static final double NEW_VALUE_WEIGHT = 0.1;

  private final BatchNormOptions options;
  private final int channels;
  private final int groups;
  private final boolean inPlace;
  private final Affine affine;
  private final @Nullable RunningStatistics statistics;
  private final @Nullable Renormalization renormalization;
  private final @Nullable Communicator ranks;
  private boolean statisticsFrozen;
  private boolean parametersFrozen;

  /**
   * Makes a layer with gamma 1, beta 0, running mean 0 and running variance 1.
   *
   * @param channels C
   * @param eps added to the variance; finite, 0 or more
   * @throws IllegalArgumentException if eps is not
   */
  public BatchNorm(int channels, double eps) {
    this(builder(channels).options(BatchNormOptions.DEFAULT.withEps(eps)));
  }

  private BatchNorm(Builder builder) {
    channels = builder.channels;
    options = builder.options;
    groups = builder.groups;
    inPlace = builder.inPlace;
    ranks = builder.ranks;
    affine = builder.affine.create(channels);
    statistics =
        builder.tracks
            ? new RunningStatistics(
                builder.affine.dtype(), channels, builder.newValueWeight, builder.unbiased)
            : null;
    renormalization =
        builder.rMax > 0 ? new Renormalization(builder.rMax, builder.dMax, options) : null;
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
    private BatchNormOptions options = BatchNormOptions.DEFAULT;
    private final Affine.Options affine = new Affine.Options(true);
    private double newValueWeight = NEW_VALUE_WEIGHT;
    private boolean unbiased = true;
    private boolean tracks = true;
    private boolean inPlace;
    private int groups = 1;
    private @Nullable Communicator ranks;
    private double rMax;
    private double dMax;

    private Builder(int channels) {
      this.channels = channels;
    }

    /**
     * The layout, eps (1e-5) and the tail (none).
     *
     * @param newOptions the options
     * @return this, for the next option
     */
    public Builder options(BatchNormOptions newOptions) {
      Objects.requireNonNull(newOptions, "options");
      options = newOptions;
      return this;
    }

    /**
     * The dtype of parameters and running statistics: f32, the default, or f64, with which x of
     * another dtype is promoted to f64 where there is a gamma or beta.
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
     * How much the batch's statistics count in the running ones, 0 to 1; 0.1 by default. PyTorch
     * calls it momentum; Keras and ONNX call 1 minus it momentum.
     *
     * @param weight 0 to 1
     * @return this, for the next option
     */
    public Builder newValueWeight(double weight) {
      newValueWeight = RunningStatistics.checkWeight(weight);
      return this;
    }

    /**
     * The running statistics are the plain average of all batches' (momentum=None in PyTorch).
     *
     * @return this, for the next option
     */
    public Builder cumulative() {
      newValueWeight = RunningStatistics.CUMULATIVE;
      return this;
    }

    /**
     * The running variance is of biased variances, as in Keras and ONNX.
     *
     * @return this, for the next option
     */
    public Builder biasedRunningVariance() {
      unbiased = false;
      return this;
    }

    /**
     * No gamma.
     *
     * @return this, for the next option
     */
    public Builder withoutScale() {
      affine.withoutScale();
      return this;
    }

    /**
     * No beta.
     *
     * @return this, for the next option
     */
    public Builder withoutShift() {
      affine.withoutShift();
      return this;
    }

    /**
     * No running statistics: evaluation normalizes with the batch's own.
     *
     * @return this, for the next option
     */
    public Builder withoutStatistics() {
      tracks = false;
      return this;
    }

    /**
     * Each of so many slices of a training batch has statistics of its own; they divide N.
     *
     * @param number how many; they divide N
     * @return this, for the next option
     */
    public Builder groups(int number) {
      groups = number;
      return this;
    }

    /**
     * Training writes y over x ({@link BatchNormBuilder#inPlace}).
     *
     * @return this, for the next option
     */
    public Builder inPlace() {
      inPlace = true;
      return this;
    }

    /**
     * Training normalizes with the statistics of all ranks' shares of a batch, and gives the bits
     * of one rank that has all of it ({@link BatchNormBuilder#synchronizedBy}); evaluation is as
     * without. All ranks train alike: the same layers, in the same order.
     *
     * @param communicator between the ranks; or null for batches that are here
     * @return this, for the next option
     */
    public Builder synchronizedBy(@Nullable Communicator communicator) {
      ranks = communicator;
      return this;
    }

    /**
     * Batch renormalization (Ioffe, 2017): training output is corrected towards the running
     * statistics by r, within 1/rMax to rMax, and d, within -dMax to dMax, which are no variables.
     *
     * @param newRMax 1 or more
     * @param newDMax 0 or more
     * @return this, for the next option
     * @throws IllegalArgumentException if rMax is below 1, dMax below 0, or either is not finite
     */
    public Builder renormalization(double newRMax, double newDMax) {
      if (!(newRMax >= 1 && newDMax >= 0) || Double.isInfinite(newRMax + newDMax)) {
        throw new IllegalArgumentException(
            "rMax, dMax: expected finite values from 1 and from 0, got %s and %s"
                .formatted(newRMax, newDMax));
      }
      rMax = newRMax;
      dMax = newDMax;
      return this;
    }

    /**
     * {@return the layer}
     *
     * @throws IllegalArgumentException if renormalization has no running statistics to go by, or is
     *     asked for with groups; or synchronizedBy with either
     */
    public BatchNorm build() {
      if (ranks != null && (rMax > 0 || groups > 1)) {
        throw new IllegalArgumentException(
            "synchronizedBy: goes with neither groups nor renormalization");
      }
      if (rMax > 0 && (!tracks || groups > 1)) {
        throw new IllegalArgumentException(
            "renormalization: goes with running statistics, and not with groups");
      }
      return new BatchNorm(this);
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
    return forward(x, null, null, mode);
  }

  /**
   * Normalizes with more than x.
   *
   * @param x batch
   * @param residual of x's shape, added before the tail; or null
   * @param mask which positions count, in x's shape without the channel axis; or null for all
   * @param mode whether the layer trains or is evaluated
   * @return y, of x's shape
   * @throws IllegalArgumentException as {@link #forward(Tensor, Mode)}, and where sizes do not fit
   */
  public Tensor forward(Tensor x, @Nullable Tensor residual, @Nullable Tensor mask, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    if (ranks != null && mode == Mode.TRAINING && !statisticsFrozen) {
      try {
        checkChannels(x);
      } catch (IllegalArgumentException e) {
        throw ranks.refusal(e);
      }
    } else {
      checkChannels(x);
    }
    return OutputShapes.seen(this, normalize(x, residual, mask, mode));
  }

  private Tensor normalize(Tensor x, @Nullable Tensor residual, @Nullable Tensor mask, Mode mode) {
    BatchNormBuilder call =
        BatchNormOp.on(x)
            .options(options)
            .gamma(parameter(gamma()))
            .beta(parameter(beta()))
            .add(residual)
            .mask(mask);
    if (statistics != null && (mode == Mode.EVALUATION || statisticsFrozen)) {
      if (!statisticsFrozen) {
        InputWatch.seen(this, x, mask != null);
      }
      return statistics.normalize(call);
    }
    return train(call, x, mode);
  }

  private void checkChannels(Tensor x) {
    int axis = options.layout() == Layout.NCHW ? 1 : x.ndim() - 1;
    if (x.ndim() > 1 && x.dim(axis) != channels) {
      throw new IllegalArgumentException(
          "x: expected %s channels in axis %s, got shape %s"
              .formatted(channels, axis, Arrays.toString(x.shape())));
    }
  }

  private Tensor train(BatchNormBuilder call, Tensor x, Mode mode) {
    if (mode == Mode.TRAINING) {
      call.groups(groups);
      call.synchronizedBy(ranks);
      if (inPlace) {
        call.inPlace();
      }
    }
    boolean moves = mode == Mode.TRAINING && statistics != null && !Checkpoint.isRecomputing();
    boolean isShared = mode == Mode.TRAINING && ranks != null;
    if (mode == Mode.TRAINING && !isShared) {
      checkElements(call.totalWeight(), x);
    }
    if (renormalization != null
        && statistics != null
        && mode == Mode.TRAINING
        && call.totalWeight() > 0) {
      renormalization.correct(call, parameter(gamma()), parameter(beta()), statistics);
    }
    BatchNormOp op = call.operation();
    Tensor y = op.apply();
    double total = op.totalWeight();
    if (isShared) {
      checkElements(total, x);
    }
    if (moves && total > 0) {
      statistics.move(op.mean(), op.var(), total);
    }
    return y;
  }

  private static void checkElements(double total, Tensor x) {
    if (total > 0 && total <= 1) {
      throw new IllegalArgumentException(
          "x: training needs more than one element a channel, got shape "
              + Arrays.toString(x.shape()));
    }
  }

  /** {@return what synchronizes the layer's statistics, or null} */
  @Nullable Communicator ranks() {
    return ranks;
  }

  private @Nullable Tensor parameter(@Nullable Tensor tensor) {
    return tensor == null || !parametersFrozen ? tensor : tensor.asConstant();
  }

  /**
   * Freezes or thaws the statistics: frozen, training too normalizes with the running ones and
   * leaves them alone.
   *
   * @param frozen true to freeze, false to thaw
   */
  public void freezeStatistics(boolean frozen) {
    statisticsFrozen = frozen;
  }

  /**
   * Freezes or thaws gamma and beta: frozen, no gradient flows to them.
   *
   * @param frozen true to freeze, false to thaw
   */
  public void freezeParameters(boolean frozen) {
    parametersFrozen = frozen;
  }

  /** Sets the running statistics back to mean 0, variance 1 and no batches. */
  public void resetStatistics() {
    if (statistics != null) {
      statistics.reset();
    }
  }

  /** Returns the running statistics, or null for a layer without. */
  @Nullable RunningStatistics statistics() {
    return statistics;
  }

  /**
   * {@return how much a training batch's statistics count in the running ones; nothing for a layer
   * that trains otherwise: with plain averages, without or with frozen statistics, in groups,
   * renormalized, synchronized}
   */
  public OptionalDouble newValueWeight() {
    boolean plain =
        statistics != null
            && !statisticsFrozen
            && groups == 1
            && renormalization == null
            && ranks == null;
    return plain && statistics.newValueWeight() != RunningStatistics.CUMULATIVE
        ? OptionalDouble.of(statistics.newValueWeight())
        : OptionalDouble.empty();
  }

  /** Returns whether training too normalizes with the running statistics. */
  boolean hasFrozenStatistics() {
    return statisticsFrozen;
  }

  /** Returns whether there are running statistics that are not frozen. */
  boolean movesStatistics() {
    return statistics != null && !statisticsFrozen;
  }

  /** {@return eps, the layout and the tail} */
  public BatchNormOptions options() {
    return options;
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
   * not a copy}
   *
   * @throws IllegalStateException if the layer tracks no statistics
   */
  public Tensor runningMean() {
    return tracked().mean();
  }

  /**
   * {@return the running variance, a constant of shape (C): the layer's own, as {@link
   * #runningMean}}
   *
   * @throws IllegalStateException if the layer tracks no statistics
   */
  public Tensor runningVar() {
    return tracked().var();
  }

  private RunningStatistics tracked() {
    if (statistics == null) {
      throw new IllegalStateException("the layer tracks no statistics");
    }
    return statistics;
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.batchNorm("", this);
    affine.visit(visitor);
    if (statistics != null) {
      statistics.visit(visitor);
    }
  }

  @Override
  public String toString() {
    double slope = options.slope();
    return LayerText.of(
        "BatchNorm",
        Integer.toString(channels),
        "eps " + options.eps(),
        LayerText.when(options.layout() == Layout.NHWC, "channels last"),
        affine.missing(),
        LayerText.when(statistics == null, "no statistics"),
        LayerText.when(renormalization != null, "renormalized"),
        LayerText.when(groups > 1, "groups " + groups),
        LayerText.when(inPlace, "in place"),
        LayerText.when(ranks != null, "synchronized"),
        LayerText.when(options.hasTail(), slope == 0 ? "ReLU" : "leaky ReLU " + slope));
  }
}
