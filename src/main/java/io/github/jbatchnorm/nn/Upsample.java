package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/** More positions by whole factors: x of shape (N, C, ...) to larger axes after the channel's. */
public final class Upsample implements Layer {
  private final boolean linear;
  private final int[] factors;

  private Upsample(boolean linear, int... factors) {
    this.linear = linear;
    this.factors = factors;
  }

  /**
   * {@return a layer that repeats each element, as {@link Functions#upsampleNearest}}
   *
   * @param factors by how much each axis grows, 1 or more; one number for all axes
   */
  public static Upsample nearest(int... factors) {
    Objects.requireNonNull(factors, "factors");
    return new Upsample(false, factors.clone());
  }

  /**
   * {@return a layer of values on the lines between elements, bilinear for two axes, as {@link
   * Functions#upsampleLinear}}
   *
   * @param factors by how much each axis grows, 1 or more; one number for all axes
   */
  public static Upsample linear(int... factors) {
    Objects.requireNonNull(factors, "factors");
    return new Upsample(true, factors.clone());
  }

  /** {@return whether values on the lines between elements come between them} */
  public boolean isLinear() {
    return linear;
  }

  /** {@return by how much each axis grows; one number is for all axes} */
  public int[] factors() {
    return factors.clone();
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    return OutputShapes.seen(
        this,
        linear ? Functions.upsampleLinear(x, factors) : Functions.upsampleNearest(x, factors));
  }

  @Override
  public String toString() {
    return LayerText.of(
        "Upsample",
        linear ? "linear" : "nearest",
        Arrays.stream(factors).mapToObj(Integer::toString).collect(Collectors.joining("x")));
  }
}
