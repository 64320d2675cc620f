package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Convolution of one or more dimensions, with parameters of f32: x of shape (N, in, ...) to (N,
 * out, ...). For x of 16 bits they are rounded to its dtype, and so is the result, once.
 */
public final class Conv implements Layer {
  private final Tensor weight;
  private final @Nullable Tensor bias;
  private final ConvOptions options;
  private final boolean relu;

  private Conv(Tensor weight, @Nullable Tensor bias, ConvOptions options, boolean relu) {
    this.weight = weight;
    this.bias = bias;
    this.options = options;
    this.relu = relu;
  }

  /** The options of a layer, each with its default. */
  public static final class Builder {
    private final int in;
    private final int out;
    private final int[] kernel;
    private ConvOptions options = ConvOptions.DEFAULT;
    private Initializer initializer = Initializer.heUniform();
    private boolean withBias = true;
    private boolean relu;

    private Builder(int in, int out, int... kernel) {
      this.in = in;
      this.out = out;
      this.kernel = kernel.clone();
    }

    /**
     * Stride, padding, dilation and groups; {@link ConvOptions#DEFAULT} otherwise.
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
     * What the weights begin with; {@link Initializer#heUniform} otherwise. The bias is 0.
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
     * Followed by ReLU, in the same pass.
     *
     * @return this, for the next option
     */
    public Builder relu() {
      relu = true;
      return this;
    }

    /**
     * {@return the layer}
     *
     * @param random where the weights come from
     * @throws IllegalArgumentException if the groups do not divide the channels
     */
    public Conv build(RandomGenerator random) {
      if (options.groups() < 1 || in % options.groups() != 0 || out % options.groups() != 0) {
        throw new IllegalArgumentException(
            "groups: expected a divisor of %s and %s, got %s".formatted(in, out, options.groups()));
      }
      int[] shape = new int[kernel.length + 2];
      shape[0] = out;
      shape[1] = in / options.groups();
      int taps = 1;
      for (int d = 0; d < kernel.length; d++) {
        shape[d + 2] = kernel[d];
        taps *= kernel[d];
      }
      int fanOut = out / options.groups() * taps;
      Tensor weight = initializer.create(random, shape[1] * taps, fanOut, shape);
      return new Conv(weight, withBias ? Tensors.full(DType.F32, 0, out) : null, options, relu);
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

  /**
   * {@return a layer that evaluates to the same as a batch norm, without its tail, after this one}
   *
   * @param name the batch norm's, for messages
   * @param norm the batch norm
   * @throws IllegalArgumentException if ReLU lies between the two, or the batch norm has other
   *     channels, has them in the last axis, or tracks no statistics
   */
  public Conv folded(String name, BatchNorm norm) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(norm, "norm");
    if (relu) {
      throw Folding.cannot(name, "it follows a convolution's ReLU");
    }
    if (norm.options().layout() != Layout.NCHW) {
      throw Folding.cannot(name, "it has its channels in the last axis, the convolution in axis 1");
    }
    Folding folding = new Folding(name, norm, weight.dim(0));
    return new Conv(folding.weight(weight), folding.bias(weight, bias), options, false);
  }

  /** {@return the weights, shape (out, in / groups, kernel...)} */
  public Tensor weight() {
    return weight;
  }

  /** {@return the bias, shape (out), or null where there is none} */
  public @Nullable Tensor bias() {
    return bias;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(mode, "mode");
    int in = weight.dim(1) * options.groups();
    if (x.ndim() != weight.ndim() || x.dim(1) != in) {
      throw new IllegalArgumentException(
          "x: expected shape (N, %s, ...) of %s axes, got %s"
              .formatted(in, weight.ndim(), Arrays.toString(x.shape())));
    }
    Tensor filters = Rounding.of(weight, x);
    Tensor shift = bias == null ? null : Rounding.of(bias, x);
    return OutputShapes.seen(
        this,
        relu
            ? Functions.convRelu(x, filters, shift, options)
            : Functions.conv(x, filters, shift, options));
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
    return LayerText.of(
        "Conv",
        weight.dim(1) * options.groups() + " -> " + weight.dim(0),
        kernel,
        options.toString(),
        LayerText.when(bias == null, "no bias"),
        LayerText.when(relu, "ReLU"));
  }
}
