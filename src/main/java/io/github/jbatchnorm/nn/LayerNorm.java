package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Layer normalization (Ba, Kiros and Hinton, 2016): mean and variance over the last axes, of a
 * fixed shape, in training and evaluation alike; a scale and a shift for each of their elements, in
 * f32, or f64 by option. x of 16 bits keeps its dtype. Where x has its channels last, {@code
 * LayerNorm.builder(channels)} normalizes each position over them.
 */
public final class LayerNorm implements Layer {
  private final int[] shape;
  private final double eps;
  private final Affine affine;

  private LayerNorm(Builder builder) {
    shape = builder.shape;
    eps = builder.eps;
    affine = builder.affine.create(shape);
  }

  /**
   * {@return a builder of a layer}
   *
   * @param shape the sizes of the last axes, over which x is normalized
   * @throws IllegalArgumentException if there are none
   */
  public static Builder builder(int... shape) {
    Objects.requireNonNull(shape, "shape");
    if (shape.length == 0) {
      throw new IllegalArgumentException("shape: expected one axis or more, got ()");
    }
    return new Builder(shape);
  }

  /** The options of a layer, each with its default. */
  public static final class Builder {
    private final int[] shape;
    private final Affine.Options affine = new Affine.Options(true);
    private double eps = 1e-5;

    private Builder(int... shape) {
      this.shape = shape.clone();
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
    public LayerNorm build() {
      return new LayerNorm(this);
    }
  }

  /**
   * Normalizes.
   *
   * @throws IllegalArgumentException if x's last axes have another shape
   */
  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    return OutputShapes.seen(
        this, Functions.layerNorm(x, shape, affine.gamma(), affine.beta(), eps));
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
    String sizes =
        Arrays.stream(shape).mapToObj(Integer::toString).collect(Collectors.joining("x"));
    return LayerText.of("LayerNorm", sizes, "eps " + eps, affine.missing());
  }
}
