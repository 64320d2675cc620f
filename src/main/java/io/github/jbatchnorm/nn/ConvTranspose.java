package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Transposed convolution of one to three dimensions, with parameters of f32: x of shape (N, in,
 * ...) to (N, out, ...), where a {@link Conv} of the same options goes the other way.
 */
public final class ConvTranspose implements Layer {
  private final Tensor weight;
  private final @Nullable Tensor bias;
  private final ConvOptions options;
  private final int[] outputPadding;

  private ConvTranspose(
      Tensor weight, @Nullable Tensor bias, ConvOptions options, int... outputPadding) {
    this.weight = weight;
    this.bias = bias;
    this.options = options;
    this.outputPadding = outputPadding;
  }

  /** The options of a layer, each with its default. */
  public static final class Builder {
    private final int in;
    private final int out;
    private final int[] kernel;
    private ConvOptions options = ConvOptions.DEFAULT;
    private int[] outputPadding = {0};
    private Initializer initializer = Initializer.heUniform();
    private boolean withBias = true;

    private Builder(int in, int out, int... kernel) {
      this.in = in;
      this.out = out;
      this.kernel = kernel.clone();
    }

    /**
     * Stride, padding, dilation and groups of the convolution that goes the other way; {@link
     * ConvOptions#DEFAULT} otherwise.
     *
     * @param newOptions the options
     * @return this, for the next option
     */
    public Builder options(ConvOptions newOptions) {
      Objects.requireNonNull(newOptions, "options");
      options = newOptions;
      return this;
    }

    /**
     * How many more elements there are at the end of each axis, 0 or more and less than the stride:
     * 0 otherwise. One number for all axes.
     *
     * @param newOutputPadding 0 or more
     * @return this, for the next option
     */
    public Builder outputPadding(int... newOutputPadding) {
      Objects.requireNonNull(newOutputPadding, "outputPadding");
      outputPadding = newOutputPadding.clone();
      return this;
    }

    /**
     * What the weights begin with; {@link Initializer#heUniform} otherwise, of the number of inputs
     * that each output has with stride 1. The bias is 0.
     *
     * @param newInitializer where they come from
     * @return this, for the next option
     */
    public Builder initializer(Initializer newInitializer) {
      Objects.requireNonNull(newInitializer, "initializer");
      initializer = newInitializer;
      return this;
    }

    /**
     * No bias: batch norm right after makes it pointless.
     *
     * @return this, for the next option
     */
    public Builder withoutBias() {
      withBias = false;
      return this;
    }

    /**
     * {@return the layer}
     *
     * @param random where the weights come from
     * @throws IllegalArgumentException if the groups do not divide the channels
     */
    public ConvTranspose build(RandomGenerator random) {
      int groups = options.groups();
      if (groups < 1 || in % groups != 0 || out % groups != 0) {
        throw new IllegalArgumentException(
            "groups: expected a divisor of %s and %s, got %s".formatted(in, out, groups));
      }
      int[] shape = new int[kernel.length + 2];
      shape[0] = in;
      shape[1] = out / groups;
      System.arraycopy(kernel, 0, shape, 2, kernel.length);
      int taps = Arrays.stream(kernel).reduce(1, Math::multiplyExact);
      Tensor weight = initializer.create(random, in / groups * taps, shape[1] * taps, shape);
      Tensor bias = withBias ? Tensors.full(DType.F32, 0, out) : null;
      return new ConvTranspose(weight, bias, options, outputPadding);
    }
  }

  /**
   * {@return a builder}
   *
   * @param in channels of the input
   * @param out channels of the output
   * @param kernel the filters' size along each dimension, of which there are as many
   */
  public static Builder builder(int in, int out, int... kernel) {
    return new Builder(in, out, kernel);
  }

  /** {@return the weights, shape (in, out / groups, kernel...)} */
  public Tensor weight() {
    return weight;
  }

  /** {@return the bias, shape (out), or null where there is none} */
  public @Nullable Tensor bias() {
    return bias;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    if (x.ndim() != weight.ndim() || x.dim(1) != weight.dim(0)) {
      throw new IllegalArgumentException(
          "x: expected shape (N, %s, ...) of %s axes, got %s"
              .formatted(weight.dim(0), weight.ndim(), Arrays.toString(x.shape())));
    }
    Tensor shift = bias == null ? null : Rounding.of(bias, x);
    return OutputShapes.seen(
        this, Functions.convTranspose(x, Rounding.of(weight, x), shift, options, outputPadding));
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.parameter("weight", weight);
    if (bias != null) {
      visitor.parameter("bias", bias);
    }
  }

  @Override
  public String toString() {
    String kernel =
        Arrays.stream(weight.shape())
            .skip(2)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining("x", "kernel ", ""));
    String more =
        Arrays.stream(outputPadding)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining("x", "output padding ", ""));
    return LayerText.of(
        "ConvTranspose",
        weight.dim(0) + " -> " + weight.dim(1) * options.groups(),
        kernel,
        options.toString(),
        LayerText.when(Arrays.stream(outputPadding).anyMatch(n -> n != 0), more),
        LayerText.when(bias == null, "no bias"));
  }
}
