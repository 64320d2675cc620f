package io.github.jbatchnorm.nn.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.GradientOrders;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Group, instance and layer norm against their definition, written in other operations. */
class GroupNormsTest {
  private static final double EPS = 0.5; // so that differences of the third order are exact enough

  /** One of the three, of a random shape. */
  private static final class Case {
    final int kind;
    final int groups;
    final int[] shape;
    final int[] last;
    final Layout layout;

    Case(SplittableRandom random) {
      kind = random.nextInt(3);
      groups = random.nextInt(1, 4);
      shape = random.ints(random.nextInt(2, 6), 1, 4).toArray();
      layout = kind == 2 || random.nextBoolean() ? Layout.NCHW : Layout.NHWC;
      shape[axis()] = kind == 0 ? groups * random.nextInt(1, 4) : shape[axis()];
      last = Arrays.copyOfRange(shape, random.nextInt(shape.length), shape.length);
    }

    private int axis() {
      return layout == Layout.NCHW ? 1 : shape.length - 1;
    }

    int[] parameterShape() {
      return kind == 2 ? last : new int[] {shape[axis()]};
    }

    Tensor apply(Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta) {
      return switch (kind) {
        case 0 -> Functions.groupNorm(x, groups, gamma, beta, EPS, layout);
        case 1 -> Functions.instanceNorm(x, gamma, beta, EPS, layout);
        default -> Functions.layerNorm(x, last, gamma, beta, EPS);
      };
    }

    Tensor definition(Tensor x, @Nullable Tensor gamma, @Nullable Tensor beta) {
      int parts =
          switch (kind) {
            case 0 -> shape[0] * groups;
            case 1 -> shape[0] * shape[axis()];
            default -> x.size() / Arrays.stream(last).reduce(1, (a, b) -> a * b);
          };
      Tensor first = kind == 2 ? x : x.moveAxis(axis(), 1);
      Tensor rows = first.reshape(parts, -1);
      Tensor centred = rows.subtract(rows.mean(true, 1));
      Tensor y =
          centred.divide(centred.square().mean(true, 1).add(EPS).sqrt()).reshape(first.shape());
      int[] broadcast = kind == 2 ? last : new int[shape.length - 1];
      if (kind != 2) {
        Arrays.fill(broadcast, 1);
        broadcast[0] = shape[axis()];
      }
      y = gamma == null ? y : y.multiply(gamma.reshape(broadcast));
      y = beta == null ? y : y.add(beta.reshape(broadcast));
      return kind == 2 ? y : y.moveAxis(1, axis());
    }
  }

  static IntStream seeds() {
    return IntStream.range(0, 60);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void isItsDefinitionInEveryOrder(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Case c = new Case(random);
    Tensor x = CentralDifferences.random(random, -2, 2, c.shape);
    Tensor gamma = CentralDifferences.random(random, -2, 2, c.parameterShape());
    Tensor beta = CentralDifferences.random(random, -2, 2, c.parameterShape());
    Tensor weights = CentralDifferences.random(random, -1, 1, c.shape).asConstant();
    double[] found = c.apply(x, gamma, beta).toDoubleArray();
    double[] expected = c.definition(x, gamma, beta).toDoubleArray();
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(1e-12));
    }
    GradientOrders.check(
        random,
        in -> loss(c.apply(in.get(0), in.get(1), in.get(2)), weights),
        in -> loss(c.definition(in.get(0), in.get(1), in.get(2)), weights),
        List.of(x, gamma, beta));
  }

  /** A curved loss, so that the gradients of gradients are not 0. */
  private static Tensor loss(Tensor y, Tensor weights) {
    return y.multiply(weights).sin().sum();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void scaleAndShiftAreEachOptional(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Case c = new Case(random);
    Tensor x = CentralDifferences.random(random, -2, 2, c.shape);
    Tensor gamma = CentralDifferences.random(random, -2, 2, c.parameterShape());
    for (Tensor[] pair : new Tensor[][] {{null, null}, {gamma, null}, {null, gamma}}) {
      double[] found = c.apply(x, pair[0], pair[1]).toDoubleArray();
      double[] expected = c.definition(x, pair[0], pair[1]).toDoubleArray();
      for (int i = 0; i < found.length; i++) {
        assertThat(found[i]).isCloseTo(expected[i], within(1e-12));
      }
    }
  }

  @Test
  void smallCasesAreExact() {
    Tensor x = Tensor.of(new float[] {1, 3, 5, 9, -4, 4, 0, 2}, 1, 4, 2);
    assertThat(Functions.instanceNorm(x, null, null, 0).toFloatArray())
        .containsExactly(-1, 1, -1, 1, -1, 1, -1, 1);
    Tensor gamma = Tensor.of(new float[] {1, 2, 3, 4});
    Tensor beta = Tensor.of(new float[] {0, 0, 10, 0});
    assertThat(Functions.instanceNorm(x, gamma, beta, 0).toFloatArray())
        .containsExactly(-1, 1, -2, 2, 7, 13, -4, 4);
    Tensor even = Tensor.of(new float[] {1, 1, 3, 3, 2, 2, -2, -2}, 1, 4, 2);
    assertThat(Functions.groupNorm(even, 2, gamma, null, 0).toFloatArray())
        .containsExactly(-1, -1, 2, 2, 3, 3, -4, -4);
    assertThat(Functions.layerNorm(even, new int[] {4, 2}, null, null, 0.5).toFloatArray())
        .containsExactly(0, 0, 1, 1, 0.5f, 0.5f, -1.5f, -1.5f); // mean 1, variance 3.5
    Tensor last = Tensor.of(new float[] {1, 5, -4, 0, 3, 9, 4, 2}, 1, 2, 4);
    assertThat(Functions.instanceNorm(last, gamma, beta, 0, Layout.NHWC).toFloatArray())
        .containsExactly(-1, -2, 7, -4, 1, 2, 13, 4);
    Tensor evenLast = Tensor.of(new float[] {1, 3, 2, -2, 1, 3, 2, -2}, 1, 2, 4);
    assertThat(Functions.groupNorm(evenLast, 2, gamma, null, 0, Layout.NHWC).toFloatArray())
        .containsExactly(-1, 2, 3, -4, -1, 2, 3, -4);
    assertThat(
            Functions.layerNorm(x, new int[] {2}, Tensor.of(new float[] {1, 10}), null, 0)
                .toFloatArray())
        .containsExactly(-1, 10, -1, 10, -1, 10, -1, 10);
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void sixteenBitsAreRoundedOnce(DType dtype) {
    SplittableRandom random = new SplittableRandom(5);
    for (int round = 0; round < 30; round++) {
      Case c = new Case(random);
      Tensor x = Tensors.uniform(dtype, random, -2, 2, c.shape);
      Tensor gamma = Tensors.uniform(DType.F32, random, -2, 2, c.parameterShape());
      Tensor y = c.apply(x, gamma, gamma);
      assertThat(y.dtype()).isEqualTo(dtype);
      assertThat(y.toDoubleArray())
          .isEqualTo(c.apply(x.astype(DType.F32), gamma, gamma).astype(dtype).toDoubleArray());
      y.backward();
      assertThat(x.grad().dtype()).isEqualTo(dtype);
      assertThat(gamma.grad().dtype()).isEqualTo(DType.F32);
      assertThat(c.apply(x, null, null).dtype()).isEqualTo(dtype);
      assertThat(c.apply(x, gamma.astype(DType.F64), null).dtype()).isEqualTo(DType.F64);
    }
  }

  @Test
  void farFromZeroItIsAsExactAsBatchNorm() {
    SplittableRandom random = new SplittableRandom(6);
    Tensor x = Tensors.normal(DType.F32, random, 1e4, 1e-2, 3, 4, 50);
    Tensor exact = Functions.groupNorm(x.astype(DType.F64), 2, null, null, 1e-5);
    float[] found = Functions.groupNorm(x, 2, null, null, 1e-5).toFloatArray();
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i]).isCloseTo(exact.storage().get(i), within(1e-6));
    }
  }

  @Test
  void emptyTensorsGiveEmptyOnes() {
    for (int[] shape : new int[][] {{0, 4, 3}, {2, 4, 0}, {2, 0, 3}, {0, 0}}) {
      Tensor x = Tensor.zeros(DType.F32, shape);
      Tensor gamma = Tensor.zeros(DType.F32, shape[1]);
      Tensor last = Tensor.zeros(DType.F32, shape[shape.length - 1]);
      for (Tensor y :
          List.of(
              Functions.groupNorm(x, 2, gamma, gamma, 1e-5),
              Functions.groupNorm(x, 1, last, last, 1e-5, Layout.NHWC),
              Functions.instanceNorm(x, last, null, 1e-5, Layout.NHWC),
              Functions.instanceNorm(x, gamma, null, 1e-5),
              Functions.layerNorm(x, Arrays.copyOfRange(shape, 1, shape.length), null, null, 1))) {
        y.backward();
        assertThat(y.shape()).containsExactly(shape);
        assertThat(x.grad().shape()).containsExactly(shape);
      }
    }
  }

  @Test
  void aGroupOfOneElementIsTheShift() {
    Tensor x = Tensor.of(new float[] {5, -7}, 1, 2);
    Tensor beta = Tensor.of(new float[] {3, 4});
    assertThat(Functions.groupNorm(x, 2, null, beta, 1e-5).toFloatArray()).containsExactly(3, 4);
    assertThat(Functions.instanceNorm(x, null, beta, 1e-5).toFloatArray()).containsExactly(3, 4);
  }

  @Test
  void argumentsThatDoNotFitAreNamed() {
    Tensor x = Tensor.zeros(DType.F32, 2, 6, 5);
    Tensor four = Tensor.zeros(DType.F32, 4);
    assertRefused(
        "groups: expected a divisor of C = 6, got 4",
        () -> Functions.groupNorm(x, 4, null, null, 0));
    assertRefused(
        "groups: expected a divisor of C = 6, got 0",
        () -> Functions.groupNorm(x, 0, null, null, 0));
    assertRefused(
        "groups: expected a divisor of C = 5, got 3",
        () -> Functions.groupNorm(x, 3, null, null, 0, Layout.NHWC));
    assertRefused(
        "beta: expected shape (5), got (4)",
        () -> Functions.instanceNorm(x, null, four, 0, Layout.NHWC));
    assertRefused(
        "x: expected shape (N, ..., C), got (4)",
        () -> Functions.instanceNorm(four, null, null, 0, Layout.NHWC));
    assertRefused(
        "gamma: expected shape (6), got (4)", () -> Functions.groupNorm(x, 3, four, null, 0));
    assertRefused(
        "beta: expected shape (6), got (4)", () -> Functions.instanceNorm(x, null, four, 0));
    assertRefused(
        "beta: expected shape (6, 5), got (4)",
        () -> Functions.layerNorm(x, new int[] {6, 5}, null, four, 0));
    assertRefused(
        "x: expected shape (..., 4) of one axis or more to normalize over, got (2, 6, 5)",
        () -> Functions.layerNorm(x, new int[] {4}, four, null, 0));
    assertRefused(
        "x: expected shape (..., ) of one axis or more to normalize over, got (2, 6, 5)",
        () -> Functions.layerNorm(x, new int[0], null, null, 0));
    assertRefused(
        "x: expected shape (N, C, ...), got (4)",
        () -> Functions.instanceNorm(four, null, null, 0));
    assertThatThrownBy(() -> Functions.groupNorm(x, 2, null, null, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("eps: ");
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
