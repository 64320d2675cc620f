package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Transposed convolution, embedding and upsampling as layers. */
class MoreLayersTest {
  private static final ConvOptions BY_TWO = ConvOptions.DEFAULT.withStride(2).withPadding(1);

  @Test
  void transposedConvolutionGoesTheOtherWay() {
    SplittableRandom random = new SplittableRandom(1);
    Conv there = Conv.builder(4, 6, 3, 3).options(BY_TWO.withGroups(2)).build(random);
    ConvTranspose back =
        ConvTranspose.builder(6, 4, 3, 3)
            .options(BY_TWO.withGroups(2))
            .outputPadding(1)
            .build(random);
    Tensor x = Tensors.uniform(DType.F32, random, -1, 1, 2, 4, 8, 8);
    Tensor small = there.forward(x, Mode.TRAINING);
    assertThat(small.shape()).containsExactly(2, 6, 4, 4);
    Tensor y = back.forward(small, Mode.TRAINING);
    assertThat(y.shape()).containsExactly(2, 4, 8, 8);
    assertThat(back.weight().shape()).isEqualTo(there.weight().shape());
    y.backward();
    assertThat(back.weight().grad()).isNotNull();
    assertThat(back.bias().grad().shape()).containsExactly(4);
    assertThat(back.parameters()).containsOnlyKeys("weight", "bias");
    assertThat(back)
        .hasToString(
            "ConvTranspose(6 -> 4, kernel 3x3, stride 2, padding 1, groups 2, output padding 1)");
    assertThat(ConvTranspose.builder(2, 3, 4).withoutBias().build(random))
        .hasToString("ConvTranspose(2 -> 3, kernel 4, stride 1, no bias)");
  }

  @Test
  void transposedConvolutionNamesWhatDoesNotFit() {
    SplittableRandom random = new SplittableRandom(1);
    ConvTranspose layer = ConvTranspose.builder(6, 4, 3, 3).build(random);
    assertThatThrownBy(() -> layer.forward(Tensor.zeros(DType.F32, 1, 4, 3, 3), Mode.TRAINING))
        .hasMessage("x: expected shape (N, 6, ...) of 4 axes, got [1, 4, 3, 3]");
    assertThatThrownBy(
            () -> ConvTranspose.builder(6, 4, 3).options(BY_TWO.withGroups(3)).build(random))
        .hasMessage("groups: expected a divisor of 6 and 4, got 3");
  }

  @Test
  void embeddingLearnsOneVectorANumber() {
    Embedding layer = new Embedding(5, 3, new SplittableRandom(1));
    Tensor words = Tensor.ofInts(new int[] {0, 3, 3, 1}, 2, 2);
    Tensor target = Tensors.uniform(DType.F32, new SplittableRandom(2), -1, 1, 2, 1, 3);
    Sgd sgd = new Sgd(layer.parameters(), 0.5, 0);
    float[] before = layer.weight().toFloatArray();
    for (int step = 0; step < 200; step++) {
      Tensor y = layer.forward(words, Mode.TRAINING).mean(true, 1);
      y.subtract(target.asConstant()).square().sum().backward();
      sgd.step();
    }
    Tensor y = layer.forward(words, Mode.EVALUATION);
    assertThat(y.shape()).containsExactly(2, 2, 3);
    assertThat(y.mean(true, 1).allClose(target, 1e-5, 1e-5)).isTrue();
    float[] after = layer.weight().toFloatArray();
    assertThat(Arrays.copyOfRange(after, 6, 9)).isEqualTo(Arrays.copyOfRange(before, 6, 9));
    assertThat(layer).hasToString("Embedding(5 -> 3)");
    assertThat(layer.parameters()).containsOnlyKeys("weight");
  }

  @Test
  void paddingStaysZero() {
    Embedding layer = Embedding.withPadding(4, 2, 1, new SplittableRandom(1));
    assertThat(layer.weight().get(1, 0)).isZero();
    assertThat(layer.weight().get(0, 0)).isNotZero();
    layer.forward(Tensor.ofInts(new int[] {1, 2}), Mode.TRAINING).sum().backward();
    new Sgd(layer.parameters(), 1, 0).step();
    assertThat(layer.weight().get(1, 0)).isZero();
    assertThat(layer).hasToString("Embedding(4 -> 2, padding 1)");
    assertThatThrownBy(() -> Embedding.withPadding(4, 2, 4, new SplittableRandom(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("paddingIndex: expected 0 to 3, got 4");
  }

  @Test
  void upsamplingIsItsFunctions() {
    Tensor x = Tensors.uniform(DType.F32, new SplittableRandom(2), -1, 1, 1, 2, 3, 4);
    assertThat(Upsample.nearest(2).forward(x, Mode.TRAINING).toFloatArray())
        .isEqualTo(Functions.upsampleNearest(x, 2).toFloatArray());
    assertThat(Upsample.linear(2, 3).forward(x, Mode.EVALUATION).toFloatArray())
        .isEqualTo(Functions.upsampleLinear(x, 2, 3).toFloatArray());
    assertThat(Upsample.nearest(2)).hasToString("Upsample(nearest, 2)");
    assertThat(Upsample.linear(2, 3)).hasToString("Upsample(linear, 2x3)");
  }

  /** Parameters are rounded to x's dtype, and keep their own, and so do their gradients. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void layersComputeWithSixteenBitsWhereXHasThem(DType dtype) {
    SplittableRandom random = new SplittableRandom(3);
    Conv conv = Conv.builder(2, 3, 3, 3).build(random);
    ConvTranspose transposed = ConvTranspose.builder(3, 2, 3, 3).build(random);
    Dense dense = new Dense(6, 2, random);
    Layer model =
        Sequential.builder()
            .add("conv", conv)
            .add("norm", BatchNorm.builder(3).build())
            .add("transposed", transposed)
            .add("dense", dense)
            .build();
    Tensor x = Tensors.uniform(dtype, random, -1, 1, 2, 2, 6, 6);
    Tensor y = model.forward(x, Mode.TRAINING);
    assertThat(y.dtype()).isEqualTo(dtype);
    y.astype(DType.F32).square().sum().backward();
    model
        .parameters()
        .forEach(
            (name, parameter) -> {
              assertThat(parameter.dtype()).as(name).isEqualTo(DType.F32);
              assertThat(parameter.grad().dtype()).as(name).isEqualTo(DType.F32);
            });
    assertThat(conv.forward(x, Mode.EVALUATION).toDoubleArray())
        .isEqualTo(
            Functions.conv(
                    x, conv.weight().astype(dtype), conv.bias().astype(dtype), ConvOptions.DEFAULT)
                .toDoubleArray());
    assertThat(conv.forward(x.astype(DType.F64), Mode.EVALUATION).dtype()).isEqualTo(DType.F64);
  }
}
