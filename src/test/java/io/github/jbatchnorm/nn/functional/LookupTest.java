package io.github.jbatchnorm.nn.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of a matrix by numbers, and what each of them gets back. */
class LookupTest {
  private static Tensor numbers(int... numbers) {
    return Tensor.ofInts(numbers, 2, numbers.length / 2);
  }

  @Test
  void rowsAreTakenAndSummedBack() {
    Tensor weight = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Tensor y = Functions.embedding(numbers(2, 0, 2, 2), weight);
    assertThat(y.shape()).containsExactly(2, 2, 2);
    assertThat(y.toFloatArray()).containsExactly(5, 6, 1, 2, 5, 6, 5, 6);
    y.backward(Tensor.of(new float[] {1, 10, 2, 20, 3, 30, 4, 40}, 2, 2, 2).asConstant());
    assertThat(weight.grad().toFloatArray()).containsExactly(2, 20, 0, 0, 8, 80);
  }

  @Test
  void paddingIsTakenButGetsNothing() {
    Tensor weight = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Tensor y = Functions.embedding(numbers(2, 0, 2, 1), weight, 2);
    assertThat(y.toFloatArray()).containsExactly(5, 6, 1, 2, 5, 6, 3, 4);
    y.backward();
    assertThat(weight.grad().toFloatArray()).containsExactly(1, 1, 1, 1, 0, 0);
  }

  @Test
  void gradientsAreDifferences() {
    SplittableRandom random = new SplittableRandom(1);
    Tensor weight = CentralDifferences.random(random, -2, 2, 4, 3);
    CentralDifferences.check(
        random, in -> Functions.embedding(numbers(3, 1, 1, 0, 3, 3), in.get(0)), List.of(weight));
  }

  /** The gradient is linear in the seed: what a place of padding is seeded with goes nowhere. */
  @Test
  void gradientsHaveGradients() {
    Tensor weight = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Tensor seed = Tensor.of(new double[] {1, 10, 2, 20, 3, 30, 4, 40}, 2, 2, 2);
    Tensor y = Functions.embedding(numbers(2, 0, 2, 1), weight, 1);
    Tensor gradient = Gradients.of(y, seed, List.of(weight)).get(0);
    assertThat(gradient.toDoubleArray()).containsExactly(2, 20, 0, 0, 4, 40);
    Tensor factors = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 3, 2).asConstant();
    gradient.multiply(factors).sum().backward();
    assertThat(seed.grad().toDoubleArray()).containsExactly(5, 6, 1, 2, 5, 6, 0, 0);
  }

  /** 1 is lost beside 2^24 and 2^12 of it are not: sums are f64's. */
  @Test
  void sumsAreRoundedOnce() {
    int places = 1 << 12;
    Tensor weight = Tensor.of(new float[] {0}, 1, 1);
    float[] seeds = new float[places + 1];
    Arrays.fill(seeds, 1);
    seeds[0] = 1 << 24;
    Functions.embedding(Tensor.ofInts(new int[places + 1]), weight)
        .backward(Tensor.of(seeds, places + 1, 1).asConstant());
    assertThat(weight.grad().item()).isEqualTo((1 << 24) + places);
  }

  @ParameterizedTest
  @EnumSource
  void dtypeIsTheMatrixs(DType dtype) {
    Tensor weight = Tensors.uniform(dtype, new SplittableRandom(1), -1, 1, 3, 2);
    Tensor y = Functions.embedding(numbers(1, 2), weight);
    assertThat(y.dtype()).isEqualTo(dtype);
    y.backward();
    assertThat(weight.grad().dtype()).isEqualTo(dtype);
  }

  @Test
  void noPlacesOrFeaturesGiveNothing() {
    Tensor weight = Tensor.zeros(DType.F32, 3, 2);
    Tensor y = Functions.embedding(Tensor.ofInts(new int[0]), weight);
    y.backward();
    assertThat(y.shape()).containsExactly(0, 2);
    assertThat(weight.grad().toFloatArray()).containsOnly(0);
    assertThat(Functions.embedding(numbers(1, 2), Tensor.zeros(DType.F32, 3, 0)).shape())
        .containsExactly(2, 1, 0);
  }

  @Test
  void argumentsThatDoNotFitAreNamed() {
    Tensor weight = Tensor.zeros(DType.F32, 3, 2);
    for (double wrong : new double[] {3, -1, 0.5, Double.NaN, 1e10}) {
      assertThatThrownBy(() -> Functions.embedding(Tensor.of(new double[] {0, wrong}), weight))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("indices: expected whole numbers from 0 to 2, got " + wrong + " (element 1)");
    }
    assertThatThrownBy(() -> Functions.embedding(numbers(1, 2), weight.reshape(6)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weight: expected shape (rows, features), got (6)");
    assertThatThrownBy(() -> Functions.embedding(numbers(1, 2), weight, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("paddingIndex: expected 0 to 2, got 3");
  }
}
