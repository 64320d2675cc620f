package io.github.jbatchnorm.nn.models;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Initializer;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * Two 3 x 3 convolutions with batch norm, around which x goes too: relu(bn2(conv2(relu(bn1(conv1(
 * x))))) + x) (He et al., 2016). The tails, ReLU and sum + ReLU, are in the batch norms' passes.
 * Where the block has more channels than x, x is subsampled and zeros stand for the new ones, which
 * needs no parameters (their option A).
 */
public final class ResidualBlock implements Layer {
  private static final int KERNEL = 3;

  private final Shortcut shortcut;
  private final Conv conv1;
  private final BatchNorm bn1;
  private final Conv conv2;
  private final BatchNorm bn2;

  /**
   * Makes a block.
   *
   * @param in channels of x
   * @param out channels of the result, in or more
   * @param stride of the first convolution
   * @param random where the weights come from
   */
  public ResidualBlock(int in, int out, int stride, RandomGenerator random) {
    if (out < in) {
      throw new IllegalArgumentException("out: expected %s or more, got %s".formatted(in, out));
    }
    this.shortcut = new Shortcut(out - in, stride);
    BatchNormOptions relu = BatchNormOptions.DEFAULT.withRelu();
    this.conv1 = conv(in, out, stride, random);
    this.bn1 = BatchNorm.builder(out).options(relu).build();
    this.conv2 = conv(out, out, 1, random);
    this.bn2 = BatchNorm.builder(out).options(relu).build();
  }

  /** Returns a 3 x 3 convolution without a bias that keeps the size, but for its stride. */
  static Conv conv(int in, int out, int stride, RandomGenerator random) {
    return Conv.builder(in, out, KERNEL, KERNEL)
        .options(ConvOptions.DEFAULT.withStride(stride).withPadding(1))
        .initializer(Initializer.heNormal())
        .withoutBias()
        .build(random);
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(mode, "mode");
    Tensor y = bn1.forward(conv1.forward(x, mode), mode);
    return bn2.forward(conv2.forward(y, mode), shortcut.of(x), null, mode);
  }

  @Override
  public Map<String, Layer> children() {
    Map<String, Layer> children = new LinkedHashMap<>();
    children.put("conv1", conv1);
    children.put("bn1", bn1);
    children.put("conv2", conv2);
    children.put("bn2", bn2);
    return children;
  }

  @Override
  public Layer folded(String name) {
    Objects.requireNonNull(name, "name");
    return new FoldedBlock(
        shortcut, conv1.folded(name + "bn1", bn1), conv2.folded(name + "bn2", bn2));
  }
}
