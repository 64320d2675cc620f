package io.github.jbatchnorm.kernel;

/**
 * What a batch normalization is: the layout, eps, and the tail that follows it in the same pass, y
 * = pre where pre > 0, else slope * pre.
 *
 * @param layout where the channel axis lies; {@link Layout#NCHW}, axis 1, by default
 * @param eps added to the variance; finite, 0 or more; 1e-5 by default
 * @param slope of the tail below 0: 1, the default, for no tail, 0 for ReLU, between for leaky ReLU
 */
public record BatchNormOptions(Layout layout, double eps, double slope) {
  /** Channels first, eps 1e-5, no tail. */
  public static final BatchNormOptions DEFAULT = new BatchNormOptions(Layout.NCHW, 1e-5, 1);

  /** The smallest |gamma| and slope through which xHat is recovered from y. */
  public static final double INVERTIBLE = 1.0 / 1024;

  /**
   * Checks the values.
   *
   * @param layout where the channel axis lies; {@link Layout#NCHW}, axis 1, by default
   * @param eps added to the variance; finite, 0 or more; 1e-5 by default
   * @param slope of the tail below 0: 1, the default, for no tail, 0 for ReLU, between for leaky
   *     ReLU
   * @throws IllegalArgumentException if eps or slope is negative, NaN or infinite
   */
  public BatchNormOptions {
    check("eps", eps);
    check("slope", slope);
  }

  private static void check(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s: expected a finite value of 0 or more, got %s".formatted(name, value));
    }
  }

  /**
   * {@return these with another layout}
   *
   * @param newLayout where the channel axis lies
   */
  public BatchNormOptions withLayout(Layout newLayout) {
    return new BatchNormOptions(newLayout, eps, slope);
  }

  /**
   * {@return these with another eps}
   *
   * @param newEps finite, 0 or more
   */
  public BatchNormOptions withEps(double newEps) {
    return new BatchNormOptions(layout, newEps, slope);
  }

  /** {@return these followed by ReLU} */
  public BatchNormOptions withRelu() {
    return withLeakyRelu(0);
  }

  /**
   * {@return these followed by leaky ReLU: values below 0 are multiplied by {@code newSlope}}
   *
   * @param newSlope finite, 0 or more
   */
  public BatchNormOptions withLeakyRelu(double newSlope) {
    return new BatchNormOptions(layout, eps, newSlope);
  }

  /** {@return true where a tail follows} */
  public boolean hasTail() {
    return slope != 1;
  }
}
