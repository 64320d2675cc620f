package io.github.jbatchnorm.nn.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Upsampling against plain loops, and its gradients. */
class UpsamplingTest {
  static IntStream seeds() {
    return IntStream.range(0, 30);
  }

  private static Tensor images(SplittableRandom random) {
    int[] shape = random.ints(4, 1, 5).toArray();
    return CentralDifferences.random(random, -2, 2, shape);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void nearestRepeatsEachElement(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor x = images(random);
    int down = random.nextInt(1, 4);
    int right = random.nextInt(1, 4);
    Tensor y = Functions.upsampleNearest(x, down, right);
    assertThat(y.shape()).containsExactly(x.dim(0), x.dim(1), x.dim(2) * down, x.dim(3) * right);
    for (int n = 0; n < x.dim(0); n++) {
      for (int c = 0; c < x.dim(1); c++) {
        for (int h = 0; h < y.dim(2); h++) {
          for (int w = 0; w < y.dim(3); w++) {
            assertThat(y.get(n, c, h, w)).isEqualTo(x.get(n, c, h / down, w / right));
          }
        }
      }
    }
  }

  /** The value at a place between elements of a row of the last axis; past the ends, theirs. */
  private static double between(double place, double... row) {
    double within = Math.max(0, Math.min(row.length - 1, place));
    int low = (int) within;
    int high = Math.min(row.length - 1, low + 1);
    return row[low] + (within - low) * (row[high] - row[low]);
  }

  private static double[] row(Tensor x, int n, int c, int h) {
    return IntStream.range(0, x.dim(3)).mapToDouble(w -> x.get(n, c, h, w)).toArray();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void linearLiesOnTheLinesBetween(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor x = images(random);
    int down = random.nextInt(1, 5);
    int right = random.nextInt(1, 5);
    Tensor y = Functions.upsampleLinear(x, down, right);
    for (int n = 0; n < x.dim(0); n++) {
      for (int c = 0; c < x.dim(1); c++) {
        for (int h = 0; h < y.dim(2); h++) {
          for (int w = 0; w < y.dim(3); w++) {
            int[] at = {n, c};
            double column = (w + 0.5) / right - 0.5;
            double[] values =
                IntStream.range(0, x.dim(2))
                    .mapToDouble(i -> between(column, row(x, at[0], at[1], i)))
                    .toArray();
            assertThat(y.get(n, c, h, w))
                .isCloseTo(between((h + 0.5) / down - 0.5, values), within(1e-14));
          }
        }
      }
    }
  }

  /** As PyTorch's documentation of Upsample has it. */
  @Test
  void bilinearIsPyTorchs() {
    Tensor x = Tensor.of(new float[] {1, 2, 3, 4}, 1, 1, 2, 2);
    assertThat(Functions.upsampleLinear(x, 2).toFloatArray())
        .containsExactly(
            1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3, 3.25f, 3.75f,
            4);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void gradientsAreDifferences(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] factors = {random.nextInt(1, 4), random.nextInt(1, 4)};
    CentralDifferences.check(
        random, in -> Functions.upsampleNearest(in.get(0), factors), List.of(images(random)));
    CentralDifferences.check(
        random, in -> Functions.upsampleLinear(in.get(0), factors), List.of(images(random)));
  }

  @ParameterizedTest
  @EnumSource
  void dtypeStaysAndSixteenBitsAreRoundedOnce(DType dtype) {
    Tensor x = Tensors.uniform(dtype, new SplittableRandom(2), -1, 1, 1, 2, 3, 4);
    assertThat(Functions.upsampleNearest(x, 3).dtype()).isEqualTo(dtype);
    Tensor y = Functions.upsampleLinear(x, 3);
    assertThat(y.dtype()).isEqualTo(dtype);
    if (dtype.bytes() == Short.BYTES) {
      assertThat(y.toDoubleArray())
          .isEqualTo(
              Functions.upsampleLinear(x.astype(DType.F32), 3).astype(dtype).toDoubleArray());
    }
    assertThat(Functions.upsampleLinear(x, 1).toDoubleArray()).isEqualTo(x.toDoubleArray());
  }

  @Test
  void oneToManyAxesAndNoElements() {
    assertThat(Functions.upsampleNearest(Tensor.zeros(DType.F32, 2, 3, 4), 5).shape())
        .containsExactly(2, 3, 20);
    assertThat(Functions.upsampleLinear(Tensor.zeros(DType.F32, 2, 3, 4, 1, 2), 2, 1, 3).shape())
        .containsExactly(2, 3, 8, 1, 6);
    assertThat(Functions.upsampleLinear(Tensor.zeros(DType.F32, 0, 3, 4), 2).shape())
        .containsExactly(0, 3, 8);
    assertThat(Functions.upsampleLinear(Tensor.zeros(DType.F32, 2, 3, 0), 2).shape())
        .containsExactly(2, 3, 0);
  }

  @Test
  void factorsThatDoNotFitAreNamed() {
    Tensor x = Tensor.zeros(DType.F32, 2, 3, 4, 4);
    for (int[] factors : List.of(new int[] {0}, new int[] {2, 2, 2}, new int[0])) {
      assertThatThrownBy(() -> Functions.upsampleNearest(x, factors))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("factors: expected one or one for each axis of x (N, C, ...)");
    }
    assertThatThrownBy(() -> Functions.upsampleLinear(x.reshape(6, 16), 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("factors: ");
  }
}
