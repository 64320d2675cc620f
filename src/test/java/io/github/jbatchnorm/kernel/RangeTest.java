package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** f64 whose squares leave the range of a double: the bounds hold there too. */
class RangeTest {
  private static final int N = 3;
  private static final int C = 4;
  private static final int S = 50;
  private static final double MOST = Double.MAX_VALUE;

  /** What all kinds of calls gave for a channel of elements. */
  private record Results(
      BatchNormShape shape,
      Storage y,
      Storage mean,
      Storage var,
      Storage dx,
      Storage dGamma,
      Storage dBeta,
      Storage gx,
      Storage gdy,
      Storage gGamma) {}

  private static Storage filled(int length, SplittableRandom random, DoubleUnaryOperator map) {
    Storage storage = Storage.allocate(DType.F64, length);
    for (int i = 0; i < length; i++) {
      storage.set(i, map.applyAsDouble(random.nextDouble(-1, 1)));
    }
    return storage;
  }

  /** Everything but beta, whose gradient no scale changes, from x. */
  private static Results run(BatchNormShape shape, Storage x, double slope, double ofV) {
    SplittableRandom random = new SplittableRandom(7);
    Storage dy = filled(shape.size(), random, value -> value + 0.25);
    Storage v = filled(shape.size(), random, value -> value * ofV);
    Storage gamma = filled(shape.c(), random, value -> value + 2);
    Storage beta = filled(shape.c(), random, value -> value);
    Storage saved =
        Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
    Results to =
        new Results(
            shape,
            Storage.allocate(DType.F64, shape.size()),
            Storage.allocate(DType.F64, shape.c()),
            Storage.allocate(DType.F64, shape.c()),
            Storage.allocate(DType.F64, shape.size()),
            Storage.allocate(DType.F64, shape.c()),
            Storage.allocate(DType.F64, shape.c()),
            Storage.allocate(DType.F64, shape.size()),
            Storage.allocate(DType.F64, shape.size()),
            Storage.allocate(DType.F64, shape.c()));
    BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(0).withLeakyRelu(slope);
    NativeKernel kernel = new NativeKernel();
    kernel.forward(
        new ForwardArguments(shape, options, x)
            .gamma(gamma)
            .beta(beta)
            .y(to.y)
            .mean(to.mean)
            .var(to.var)
            .saved(saved));
    kernel.backward(
        new BackwardArguments(shape, options, x, dy, saved)
            .gamma(gamma)
            .beta(beta)
            .dx(to.dx)
            .dGamma(to.dGamma)
            .dBeta(to.dBeta));
    kernel.second(
        new SecondArguments(shape, 0, x, dy, saved)
            .gamma(gamma)
            .v(v)
            .gx(to.gx)
            .gdy(to.gdy)
            .gGamma(to.gGamma));
    return to;
  }

  static Stream<Arguments> scales() {
    return Stream.of(-900, -700, -560, -300, 300, 450, 520, 700, 1000)
        .flatMap(
            power ->
                Stream.of(Layout.values())
                    .flatMap(
                        layout ->
                            Stream.of(1.0, 0.25).map(slope -> Arguments.of(power, layout, slope))));
  }

  /** Multiplying x by 2^k changes no bit of y, and multiplies gradients by 2^-k. */
  @ParameterizedTest
  @MethodSource("scales")
  void aPowerOfTwoChangesNoBit(int power, Layout layout, double slope) {
    double scale = Math.scalb(1.0, power);
    BatchNormShape shape = new BatchNormShape(DType.F64, layout, N, C, S);
    Storage x = filled(shape.size(), new SplittableRandom(power), value -> value + 3);
    Storage scaled = Storage.allocate(DType.F64, shape.size());
    for (int i = 0; i < shape.size(); i++) {
      scaled.set(i, x.get(i) * scale);
    }
    Results one = run(shape, x, slope, 1);
    Results other = run(shape, scaled, slope, scale);
    same(other.y, one.y, 1);
    same(other.mean, one.mean, scale);
    for (int c = 0; c < C; c++) {
      assertThat(other.var.get(c)).isEqualTo(one.var.get(c) * scale * scale);
    }
    same(other.dx, one.dx, 1 / scale);
    same(other.dGamma, one.dGamma, 1);
    same(other.dBeta, one.dBeta, 1);
    same(other.gx, one.gx, 1 / scale);
    same(other.gdy, one.gdy, 1);
    same(other.gGamma, one.gGamma, 1);
  }

  private static void same(Storage found, Storage expected, double scale) {
    for (int i = 0; i < found.length(); i++) {
      assertThat(found.get(i)).as("element %d", i).isEqualTo(expected.get(i) * scale);
    }
  }

  /** Channels at the ends of the range; an element may be far from a mean that is not. */
  static List<double[]> channels() {
    SplittableRandom random = new SplittableRandom(11);
    return List.of(
        random.doubles(150).map(value -> (2 * value - 1) * MOST).toArray(),
        random.doubles(150).map(value -> (2 * value - 1) * 1e-306).toArray(),
        random.doubles(150).map(value -> value < 0.05 ? -MOST : MOST).toArray(),
        random.doubles(150).map(value -> value < 0.05 ? 1e200 : value).toArray(),
        random.doubles(150).map(value -> value < 0.05 ? 1e-200 : value * 1e-240).toArray(),
        random.doubles(150).map(value -> 1e-165 + value * 1e-175).toArray(),
        random.doubles(150).map(value -> 1e165 + value * 1e155).toArray());
  }

  @ParameterizedTest
  @MethodSource("channels")
  void theBoundHoldsForEveryFiniteInput(double[] values) {
    BatchNormShape shape = new BatchNormShape(DType.F64, Layout.NCHW, 1, 1, values.length);
    Storage x = Storage.allocate(DType.F64, values.length);
    x.write(0, values, 0, values.length);
    Results results = run(shape, x, 1, 1);
    SplittableRandom random = new SplittableRandom(7);
    Storage dy = filled(shape.size(), random, value -> value + 0.25);
    filled(shape.size(), random, value -> value);
    double gamma = filled(1, random, value -> value + 2).get(0);
    double beta = filled(1, random, value -> value).get(0);
    double[] gradients = new double[values.length];
    dy.read(0, gradients, 0, values.length);
    ExactBatchNorm exact = new ExactBatchNorm(values, gradients, gamma, beta, 0);
    double bound = AccuracyTest.bound(DType.F64);
    for (int i = 0; i < values.length; i++) {
      assertThat(ExactBatchNorm.error(results.y.get(i), exact.y(i), exact.yScale()))
          .isLessThan(bound);
      // dx of elements near the largest double is denormal: half a unit of those is its rounding.
      assertThat(
              ExactBatchNorm.error(
                  results.dx.get(i),
                  exact.dx(i),
                  exact.dxScale().add(BigDecimal.valueOf(Double.MIN_VALUE / bound))))
          .isLessThan(bound);
    }
    assertThat(ExactBatchNorm.error(results.dGamma.get(0), exact.dGamma, exact.dGammaScale()))
        .isLessThan(bound);
    BigDecimal largest = new BigDecimal(Arrays.stream(values).map(Math::abs).max().orElseThrow());
    assertThat(ExactBatchNorm.error(results.mean.get(0), exact.mean, largest)).isLessThan(bound);
    double var = exact.var.doubleValue();
    assertThat(results.var.get(0)).isBetween(var * (1 - bound), var * (1 + bound));
  }

  @Test
  void anInfinityMakesItsChannelNaNStill() {
    BatchNormShape shape = new BatchNormShape(DType.F64, Layout.NHWC, 5, 2, 1);
    Storage x = Storage.allocate(DType.F64, 10);
    for (int i = 0; i < 10; i++) {
      x.set(i, i == 2 ? Double.POSITIVE_INFINITY : i);
    }
    Results results = run(shape, x, 1, 1);
    assertThat(results.mean.get(0)).isNaN();
    assertThat(results.var.get(0)).isNaN();
    assertThat(results.y.get(0)).isNaN();
    assertThat(results.var.get(1)).isEqualTo(8);
  }
}
