package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Functions;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Two-dimensional convolution, f32: x of shape (N, in, H, W) to (N, out, OH, OW). */
public final class Conv2d implements Layer {
  private final Tensor weight;
  private final @Nullable Tensor bias;
  private final int stride;
  private final int padding;

  /**
   * Makes a layer with weights after He and a bias of 0.
   *
   * @param in channels of the input
   * @param out channels of the output
   * @param kernel the filters' side
   * @param stride their step
   * @param padding zeros around the input
   * @param withBias whether there is a bias; batch norm right after makes it pointless
   * @param random where the weights come from
   */
  public Conv2d(
      int in,
      int out,
      int kernel,
      int stride,
      int padding,
      boolean withBias,
      RandomGenerator random) {
    this.weight = Initial.heUniform(random, in * kernel * kernel, out, in, kernel, kernel);
    this.bias = withBias ? Initial.filled(0, out) : null;
    this.stride = stride;
    this.padding = padding;
  }

  private Conv2d(Tensor weight, Tensor bias, int stride, int padding) {
    this.weight = weight;
    this.bias = bias;
    this.stride = stride;
    this.padding = padding;
  }

  /** Returns a layer of the same stride and padding with other weights and a bias. */
  Conv2d with(Tensor newWeight, Tensor newBias) {
    return new Conv2d(newWeight, newBias, stride, padding);
  }

  /** Returns the weights, shape (out, in, kernel, kernel). */
  public Tensor weight() {
    return weight;
  }

  /** Returns the bias, shape (out), or null where there is none. */
  public @Nullable Tensor bias() {
    return bias;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Tensor y = Functions.conv(x, weight, stride, padding);
    return bias == null ? y : y.add(bias.reshape(1, -1, 1, 1));
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.parameter("weight", weight);
    if (bias != null) {
      visitor.parameter("bias", bias);
    }
  }
}
