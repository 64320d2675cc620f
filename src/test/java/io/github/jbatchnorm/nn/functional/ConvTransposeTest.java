package io.github.jbatchnorm.nn.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.arrays.Shapes;
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

/** The transposed convolution against a plain loop, as the adjoint of conv, and its gradients. */
class ConvTransposeTest {
  /** Options and sizes of one to three dimensions, of whole numbers, so that sums are exact. */
  private static final class Case {
    final int dimensions;
    final int groups;
    final int[] stride;
    final int[] padding;
    final int[] dilation;
    final int[] more;
    final Tensor x;
    final Tensor filters;
    final Tensor bias;

    Case(SplittableRandom random) {
      dimensions = random.nextInt(1, 4);
      groups = random.nextInt(1, 3);
      stride = random.ints(dimensions, 1, 4).toArray();
      dilation = random.ints(dimensions, 1, 3).toArray();
      padding = random.ints(dimensions, 0, 2).toArray();
      more = IntStream.of(stride).map(random::nextInt).toArray();
      int[] xShape = new int[dimensions + 2];
      int[] filterShape = new int[dimensions + 2];
      xShape[0] = random.nextInt(1, 3);
      xShape[1] = groups * random.nextInt(1, 3);
      filterShape[0] = xShape[1];
      filterShape[1] = random.nextInt(1, 3);
      for (int d = 0; d < dimensions; d++) {
        xShape[d + 2] = random.nextInt(2, 4);
        filterShape[d + 2] = random.nextInt(2, 4);
      }
      x = whole(random, xShape);
      filters = whole(random, filterShape);
      bias = whole(random, groups * filterShape[1]);
    }

    static Tensor whole(SplittableRandom random, int... shape) {
      return Tensor.of(random.ints(Shapes.size(shape), -9, 10).asDoubleStream().toArray(), shape);
    }

    ConvOptions options() {
      return ConvOptions.DEFAULT
          .withStride(stride)
          .withPadding(padding)
          .withDilation(dilation)
          .withGroups(groups);
    }

    Tensor apply(Tensor in, Tensor weights, Tensor shift) {
      return Functions.convTranspose(in, weights, shift, options(), more);
    }

    int[] outShape() {
      int[] shape = x.shape();
      shape[1] = bias.size();
      for (int d = 0; d < dimensions; d++) {
        shape[d + 2] =
            (x.dim(d + 2) - 1) * stride[d]
                - 2 * padding[d]
                + dilation[d] * (filters.dim(d + 2) - 1)
                + more[d]
                + 1;
      }
      return shape;
    }

    /** Adds each element of x times each of its filters where it goes. */
    double[] loop() {
      int[] shape = outShape();
      double[] y = new double[Shapes.size(shape)];
      int plane = y.length / shape[0] / shape[1];
      for (int i = 0; i < y.length; i++) {
        y[i] = bias.get(i / plane % shape[1]);
      }
      for (int i = 0; i < x.size(); i++) {
        int[] at = index(i, x.shape());
        for (int j = 0; j < filters.size(); j++) {
          int[] tap = index(j, filters.shape());
          if (tap[0] == at[1]) {
            int group = at[1] / (x.dim(1) / groups);
            int[] to = at.clone();
            to[1] = group * filters.dim(1) + tap[1];
            boolean inside = true;
            for (int d = 0; d < dimensions; d++) {
              to[d + 2] = at[d + 2] * stride[d] + tap[d + 2] * dilation[d] - padding[d];
              inside &= to[d + 2] >= 0 && to[d + 2] < shape[d + 2];
            }
            if (inside) {
              y[offset(to, shape)] += x.storage().get(i) * filters.storage().get(j);
            }
          }
        }
      }
      return y;
    }

    private static int[] index(int i, int... shape) {
      int[] strides = Shapes.strides(shape);
      return IntStream.range(0, shape.length).map(d -> i / strides[d] % shape[d]).toArray();
    }

    private static int offset(int[] index, int... shape) {
      int[] strides = Shapes.strides(shape);
      return IntStream.range(0, shape.length).map(d -> index[d] * strides[d]).sum();
    }
  }

  static IntStream seeds() {
    return IntStream.range(0, 60);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void isThePlainLoop(int seed) {
    Case c = new Case(new SplittableRandom(seed));
    Tensor y = c.apply(c.x, c.filters, c.bias);
    assertThat(y.shape()).containsExactly(c.outShape());
    assertThat(y.toDoubleArray()).isEqualTo(c.loop());
    DType narrow = DType.F32;
    assertThat(
            c.apply(c.x.astype(narrow), c.filters.astype(narrow), c.bias.astype(narrow))
                .toDoubleArray())
        .isEqualTo(c.loop());
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void isTheAdjointOfConv(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Case c = new Case(random);
    Tensor y = Case.whole(random, c.outShape());
    double forth = Functions.conv(y, c.filters, null, c.options()).multiply(c.x).sum().item();
    double back =
        Functions.convTranspose(c.x, c.filters, null, c.options(), c.more).multiply(y).sum().item();
    assertThat(forth).isEqualTo(back);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void gradientsAreDifferences(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Case c = new Case(random);
    CentralDifferences.check(
        random,
        in -> c.apply(in.get(0), in.get(1), in.get(2)),
        List.of(
            CentralDifferences.random(random, -2, 2, c.x.shape()),
            CentralDifferences.random(random, -2, 2, c.filters.shape()),
            CentralDifferences.random(random, -2, 2, c.bias.shape())));
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void sixteenBitsAreRoundedOnce(DType dtype) {
    SplittableRandom random = new SplittableRandom(3);
    Tensor x = Tensors.uniform(dtype, random, -1, 1, 2, 3, 5);
    Tensor filters = Tensors.uniform(dtype, random, -1, 1, 3, 2, 3);
    Tensor bias = Tensors.uniform(dtype, random, -1, 1, 2);
    ConvOptions options = ConvOptions.DEFAULT.withStride(2);
    for (Tensor shift : new Tensor[] {null, bias}) {
      Tensor wide =
          Functions.convTranspose(
              x.astype(DType.F32),
              filters.astype(DType.F32),
              shift == null ? null : shift.astype(DType.F32),
              options);
      assertThat(Functions.convTranspose(x, filters, shift, options).toDoubleArray())
          .isEqualTo(wide.astype(dtype).toDoubleArray());
    }
  }

  @Test
  void withoutAFullStrideMoreIsNotDefined() {
    Tensor x = Tensor.zeros(DType.F32, 1, 2, 3);
    Tensor filters = Tensor.zeros(DType.F32, 2, 1, 3);
    ConvOptions options = ConvOptions.DEFAULT.withStride(2);
    assertThat(Functions.convTranspose(x, filters, null, options).shape()).containsExactly(1, 1, 7);
    assertThat(Functions.convTranspose(x, filters, null, options, 1).shape())
        .containsExactly(1, 1, 8);
    assertRefused(
        "outputPadding: expected less than the stride (2), got (2)",
        () -> Functions.convTranspose(x, filters, null, options, 2));
    assertRefused(
        "filters: expected shape (2, O / groups, ...) with 3 axes, got (1, 2, 3)",
        () -> Functions.convTranspose(x, Tensor.zeros(DType.F32, 1, 2, 3), null, options));
    assertRefused(
        "bias: expected shape (1) (O), got (3)",
        () -> Functions.convTranspose(x, filters, Tensor.zeros(DType.F32, 3), options));
    assertRefused(
        "groups: expected a divisor of C = 2, got 3",
        () -> Functions.convTranspose(x, filters, null, options.withGroups(3)));
    assertRefused(
        "x: shape (1, 2, 3) with filters of shape (2, 1, 3) and padding (4) leaves nothing",
        () -> Functions.convTranspose(x, filters, null, options.withPadding(4)));
    assertRefused(
        "stride: expected 1 numbers from 1 to 1048576, got (1, 1)",
        () -> Functions.convTranspose(x, filters, null, options.withStride(1, 1)));
    assertRefused(
        "x: expected shape (N, C, ...) with one to three more axes, got (3, 2)",
        () -> Functions.convTranspose(x.reshape(3, 2), filters, null, options));
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
