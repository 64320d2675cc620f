package io.github.jbatchnorm.nn.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Mode;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Windows, and convolutions and pooling of more dimensions than there are kernels for. */
class WindowsTest {
  private static Tensor counted(int... shape) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    return Tensor.of(IntStream.range(0, size).asDoubleStream().toArray(), shape);
  }

  private static int[] all(int count, int value) {
    return IntStream.generate(() -> value).limit(count).toArray();
  }

  @Test
  void windowsAreThoseOfTheirPlaces() {
    Tensor x = counted(2, 5, 4);
    Tensor windows =
        Functions.slidingWindows(x, new int[] {2, 2}, new int[] {1, 2}, new int[] {2, 1});
    assertThat(windows.shape()).containsExactly(3, 2, 2, 2, 2);
    for (int place = 0; place < windows.size(); place++) {
      int[] at = {place / 16, place / 8 % 2, place / 4 % 2, place / 2 % 2, place % 2};
      assertThat(windows.get(at)).isEqualTo(x.get(at[2], at[0] + 2 * at[3], 2 * at[1] + at[4]));
    }
    assertThat(
            Functions.slidingWindows(counted(4), all(1, 3), all(1, 1), all(1, 1)).toDoubleArray())
        .containsExactly(0, 1, 2, 1, 2, 3);
    for (int[] bad : new int[][] {{3, 3}, {6}, {0}, {}}) {
      int[] steps = bad.length == 0 ? all(1, 1) : all(bad.length, 1);
      assertThatThrownBy(() -> Functions.slidingWindows(counted(5), bad, steps, steps))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("window: expected one within the last axes of x (5), ");
    }
  }

  static IntStream seeds() {
    return IntStream.range(0, 12);
  }

  /** Of up to three dimensions the kernels know better. */
  @ParameterizedTest
  @MethodSource("seeds")
  void convolutionIsThatOfTheKernels(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int dimensions = 1 + seed % 3;
    int groups = 1 + seed % 2;
    int[] x = all(dimensions + 2, 5);
    x[0] = 2;
    x[1] = 2 * groups;
    int[] filters = all(dimensions + 2, 2);
    filters[0] = 3 * groups;
    filters[dimensions + 1] = 3;
    ConvOptions options =
        ConvOptions.DEFAULT
            .withStride(1 + random.nextInt(2))
            .withPadding(random.nextInt(3))
            .withDilation(1 + random.nextInt(2))
            .withGroups(groups);
    List<Tensor> in =
        List.of(
            CentralDifferences.random(random, -2, 2, x),
            CentralDifferences.random(random, -2, 2, filters),
            CentralDifferences.random(random, -2, 2, filters[0]));
    Tensor expected = Functions.conv(in.get(0), in.get(1), in.get(2), options);
    Tensor seeds = CentralDifferences.random(random, -1, 1, expected.shape());
    expected.backward(seeds);
    List<Tensor> gradients = in.stream().map(Tensor::grad).toList();
    Tensor found = Windows.conv(in.get(0), in.get(1), in.get(2), options);
    assertThat(found.allClose(expected, 1e-12, 1e-12)).isTrue();
    found.backward(seeds);
    for (int i = 0; i < 3; i++) {
      assertThat(in.get(i).grad().allClose(gradients.get(i), 1e-12, 1e-12)).isTrue();
    }
  }

  /** A convolution of four dimensions that is 1 along one of them is one of three. */
  @ParameterizedTest
  @MethodSource("seeds")
  void anAxisOfSizeOneChangesNothing(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor x = CentralDifferences.random(random, -2, 2, 2, 3, 3, 4, 2);
    Tensor filters = CentralDifferences.random(random, -2, 2, 2, 3, 2, 3, 1);
    ConvOptions options = ConvOptions.DEFAULT.withStride(1, 2, 1);
    Tensor expected = Functions.convRelu(x, filters, null, options);
    int axis = 2 + seed % 4;
    int[] stride = {1, 2, 1};
    int[] strides = new int[4];
    for (int d = 0; d < 4; d++) {
      strides[d] = d == axis - 2 ? 3 : stride[d < axis - 2 ? d : d - 1];
    }
    Tensor found =
        Functions.convRelu(
            x.expandDims(axis),
            filters.expandDims(axis),
            null,
            ConvOptions.DEFAULT.withStride(strides));
    assertThat(found.squeeze(axis).allClose(expected, 1e-13, 1e-13)).isTrue();
  }

  @Test
  void fourDimensionsHaveGradients() {
    SplittableRandom random = new SplittableRandom(1);
    List<Tensor> in =
        List.of(
            CentralDifferences.random(random, -1, 1, 2, 2, 3, 2, 3, 2),
            CentralDifferences.random(random, -1, 1, 2, 2, 2, 1, 2, 2),
            CentralDifferences.random(random, -1, 1, 2));
    ConvOptions options = ConvOptions.DEFAULT.withPadding(1, 0, 0, 1).withStride(2, 1, 1, 1);
    CentralDifferences.check(
        random, t -> Functions.conv(t.get(0), t.get(1), t.get(2), options), in);
    Tensor y = Functions.conv(in.get(0), in.get(1), in.get(2), options);
    assertThat(y.shape()).containsExactly(2, 2, 2, 2, 2, 3);
    CentralDifferences.check(
        random,
        t -> Functions.avgPool(t.get(0), new int[] {2, 1, 2, 2}, new int[] {1, 1, 1, 1}),
        in.subList(0, 1));
  }

  @Test
  void poolingOfFourAxesIsThatOfItsWindows() {
    SplittableRandom random = new SplittableRandom(2);
    Tensor x = CentralDifferences.random(random, -1, 1, 2, 3, 4, 2, 3);
    int[] window = {2, 2, 1, 2};
    int[] stride = {1, 2, 1, 1};
    Tensor found = Functions.maxPool(x, window, stride);
    assertThat(found.shape()).containsExactly(2, 2, 2, 2, 2);
    Tensor flat = x.reshape(6, 4, 2, 3);
    Tensor inner = Functions.maxPool(flat, new int[] {2, 1, 2}, new int[] {2, 1, 1});
    Tensor expected =
        Functions.maxPool(inner.reshape(2, 3, 2 * 2 * 2), new int[] {2, 1}, new int[] {1, 1});
    assertThat(found.toDoubleArray()).isEqualTo(expected.toDoubleArray());
    found.backward();
    double[] gradient = x.grad().toDoubleArray();
    expected.backward();
    assertThat(gradient).isEqualTo(x.grad().toDoubleArray());
    assertThat(Functions.avgPool(x, all(5, 2), all(5, 1)).shape()).containsExactly(1, 2, 3, 1, 2);
  }

  @Test
  void badArgumentsAreNamed() {
    Tensor x = Tensors.zeros(DType.F64, 1, 2, 3, 3, 3, 3);
    Tensor filters = Tensors.zeros(DType.F64, 1, 2, 2, 2, 2, 2);
    assertThatThrownBy(() -> Functions.conv(x, Tensors.zeros(DType.F64, 1, 2, 2, 2, 2), 1, 0))
        .hasMessage(
            "filters: expected shape (O, 2, ...) with 6 axes and O a multiple of 1, got (1, 2, 2,"
                + " 2, 2)");
    assertThatThrownBy(
            () -> Functions.conv(x, filters, null, ConvOptions.DEFAULT.withPadding(1, 1)))
        .hasMessage("padding: expected 4 numbers of 0 or more, got (1, 1)");
    assertThatThrownBy(() -> Functions.conv(x, filters, null, ConvOptions.DEFAULT.withGroups(3)))
        .hasMessage("groups: expected a divisor of C = 2, got 3");
    assertThatThrownBy(() -> Functions.conv(x, filters, null, ConvOptions.DEFAULT.withDilation(3)))
        .hasMessageStartingWith(
            "window: expected one within the last axes of x (1, 2, 3, 3, 3, 3)");
    assertThatThrownBy(() -> Functions.conv(x, filters, Tensor.scalar(1), ConvOptions.DEFAULT))
        .hasMessage("bias: expected shape (1) (O), got ()");
  }

  @Test
  void theLayerHasAsManyDimensionsAsItsKernel() {
    Conv conv = Conv.builder(2, 3, 2, 2, 2, 2).build(new SplittableRandom(1));
    assertThat(conv.forward(Tensors.ones(DType.F32, 1, 2, 3, 3, 3, 2), Mode.TRAINING).shape())
        .containsExactly(1, 3, 2, 2, 2, 1);
  }

  @Test
  void softmaxOverSeveralAxesIsThatOfOne() {
    SplittableRandom random = new SplittableRandom(3);
    Tensor x = CentralDifferences.random(random, -2, 2, 2, 3, 4);
    Tensor y = Functions.softmax(x, 0, -1);
    Tensor expected = x.exp().divide(x.exp().sum(true, 0, 2));
    assertThat(y.allClose(expected, 1e-14, 1e-14)).isTrue();
    assertThat(Functions.softmax(x, 1, 2).sum(1, 2).allClose(Tensors.ones(DType.F64, 2), 0, 1e-14))
        .isTrue();
    assertThat(Functions.logSoftmax(x, 2, 0, 1).exp().sum().item()).isBetween(1 - 1e-14, 1 + 1e-14);
    assertThat(Functions.softmax(x).toDoubleArray())
        .isEqualTo(Functions.softmax(x, -1).toDoubleArray());
    CentralDifferences.check(random, t -> Functions.softmax(t.get(0), 2, 0), List.of(x));
    CentralDifferences.check(random, t -> Functions.logSoftmax(t.get(0), 0, 1), List.of(x));
    assertThatThrownBy(() -> Functions.softmax(x, 1, -2)).hasMessage("axes: axis 1 is named twice");
    assertThatThrownBy(() -> Functions.softmax(x, 3)).hasMessageStartingWith("axes: expected -3");
  }
}
