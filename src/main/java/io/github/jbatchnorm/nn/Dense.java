package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * A dense layer with parameters of f32: y = x weight^T + bias, x of shape (N, in) to (N, out). For
 * x of 16 bits they are rounded to its dtype, and so is the result, once.
 */
public final class Dense implements Layer {
  private final Tensor weight;
  private final Tensor bias;

  /**
   * Makes a layer with weights uniform in +-1 / sqrt(in), PyTorch's default, and a bias of 0.
   *
   * @param in features of the input
   * @param out features of the output
   * @param random where the weights come from
   */
  public Dense(int in, int out, RandomGenerator random) {
    this.weight = Initializer.fanInUniform().create(random, in, out, out, in);
    this.bias = Tensors.full(DType.F32, 0, out);
  }

  private Dense(Tensor weight, Tensor bias) {
    this.weight = weight;
    this.bias = bias;
  }

  /**
   * {@return a layer that evaluates to the same as a batch norm, without its tail, after this one}
   *
   * @param name the batch norm's, for messages
   * @param norm the batch norm
   * @throws IllegalArgumentException if the batch norm has other channels or tracks no statistics
   */
  public Dense folded(String name, BatchNorm norm) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(norm, "norm");
    Folding folding = new Folding(name, norm, weight.dim(0));
    return new Dense(folding.weight(weight), folding.bias(weight, bias));
  }

  /** {@return the weights, shape (out, in)} */
  public Tensor weight() {
    return weight;
  }

  /** {@return the bias, shape (out)} */
  public Tensor bias() {
    return bias;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    return OutputShapes.seen(
        this, Functions.dense(x, Rounding.of(weight, x), Rounding.of(bias, x)));
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.parameter("weight", weight);
    visitor.parameter("bias", bias);
  }

  @Override
  public String toString() {
    return LayerText.of("Dense", weight.dim(1) + " -> " + weight.dim(0));
  }
}
