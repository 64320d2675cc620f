package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Group normalization (Wu and He, 2018): x of shape (N, C, ...), or (N, ..., C) by option, each
 * group of channels of each sample with its own mean and variance, in training and evaluation
 * alike; a scale and a shift for each channel, in f32, or f64 by option. x of 16 bits keeps its
 * dtype.
 */
public final class GroupNorm implements Layer {
  private final int groups;
  private final int channels;
  private final double eps;
  private final Layout layout;
  private final Affine affine;

  private GroupNorm(Builder builder) {
    groups = builder.groups;
    channels = builder.channels;
    eps = builder.eps;
    layout = builder.layout;
    affine = builder.affine.create(channels);
  }

  /**
   * {@return a builder of a layer, in the order of PyTorch's arguments}
   *
   * @param groups how many groups the channels are in
   * @param channels C
   * @throws IllegalArgumentException if the groups do not divide the channels
   */
  public static Builder builder(int groups, int channels) {
    if (groups < 1 || channels < 0 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "groups: expected a divisor of %s (C), got %s".formatted(channels, groups));
    }
    return new Builder(groups, channels);
  }

  /** The options of a layer, each with its default. */
  public static final class Builder {
    private final int groups;
    private final int channels;
    private final Affine.Options affine = new Affine.Options(true);
    private double eps = 1e-5;
    private Layout layout = Layout.NCHW;

    private Builder(int groups, int channels) {
      this.groups = groups;
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
     * The dtype of scale and shift: f32, the default, or f64, with which x of another dtype is
     * promoted to f64.
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
     * No scale.
     *
     * @return this, for the next option
     */
    public Builder withoutScale() {
      affine.withoutScale();
      return this;
    }

    /**
     * No shift.
     *
     * @return this, for the next option
     */
    public Builder withoutShift() {
      affine.withoutShift();
      return this;
    }

    /** {@return the layer} */
    public GroupNorm build() {
      return new GroupNorm(this);
    }
  }

  /**
   * Normalizes.
   *
   * @throws IllegalArgumentException if x has other than C channels, or, in training, only one
   *     element a group: its variance says nothing
   */
  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    check(x, groups, channels, layout, mode);
    return OutputShapes.seen(
        this, Functions.groupNorm(x, groups, affine.gamma(), affine.beta(), eps, layout));
  }

  /** Refuses what cannot be normalized in so many groups. */
  static void check(Tensor x, int groups, int channels, Layout layout, Mode mode) {
    Objects.requireNonNull(mode, "mode");
    boolean first = layout == Layout.NCHW;
    if (x.ndim() < 2 || x.dim(first ? 1 : -1) != channels) {
      throw new IllegalArgumentException(
          (first
                  ? "x: expected shape (N, %s, ...), got %s"
                  : "x: expected shape (N, ..., %s), got %s")
              .formatted(channels, Arrays.toString(x.shape())));
    }
    if (mode == Mode.TRAINING && x.size() > 0 && x.size() == (long) x.dim(0) * groups) {
      throw new IllegalArgumentException(
          "x: training needs more than one element a group, got shape "
              + Arrays.toString(x.shape()));
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

  @Override
  public void visit(StateVisitor visitor) {
    affine.visit(visitor);
  }

  @Override
  public String toString() {
    return LayerText.of(
        "GroupNorm",
        channels + ", groups " + groups,
        "eps " + eps,
        LayerText.when(layout == Layout.NHWC, "channels last"),
        affine.missing());
  }
}
