package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Instance normalization (Ulyanov, Vedaldi and Lempitsky, 2016): x of shape (N, C, ...), each
 * channel of each sample with its own mean and variance, in training and evaluation alike. Without
 * scale and shift unless asked for, as PyTorch's; without running statistics. x of 16 bits keeps
 * its dtype.
 */
public final class InstanceNorm implements Layer {
  private final int channels;
  private final double eps;
  private final Affine affine;

  private InstanceNorm(Builder builder) {
    channels = builder.channels;
    eps = builder.eps;
    affine = builder.affine.create(channels);
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
     * A scale and a shift for each channel.
     *
     * @return this, for the next option
     */
    public Builder affine() {
      affine.both();
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
    GroupNorm.check(x, channels, channels, mode);
    return OutputShapes.seen(this, Functions.instanceNorm(x, affine.gamma(), affine.beta(), eps));
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
        "InstanceNorm",
        Integer.toString(channels),
        "eps " + eps,
        LayerText.when(affine.gamma() != null, "affine"));
  }
}
