package io.github.jbatchnorm.autograd;

import static io.github.jbatchnorm.autograd.ComplexStepCase.caseOf;
import static io.github.jbatchnorm.autograd.ComplexStepCase.shape;

import io.github.jbatchnorm.autograd.ComplexStepCase.Formula;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.batchnorm.ChannelMoments;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Cases of reductions, products and layers. */
final class LayerSteps {
  private LayerSteps() {}

  private static Complex sum(Complex... values) {
    return Arrays.stream(values).reduce(Complex.of(0), Complex::plus);
  }

  private static Complex[] row(Complex[] matrix, int row, int columns) {
    return Arrays.copyOfRange(matrix, row * columns, (row + 1) * columns);
  }

  private static Complex logSumExp(Complex... row) {
    return sum(Arrays.stream(row).map(Complex::exp).toArray(Complex[]::new)).log();
  }

  private static Complex variance(Complex... values) {
    Complex mean = sum(values).over(values.length);
    return sum(Arrays.stream(values)
            .map(value -> value.minus(mean).times(value.minus(mean)))
            .toArray(Complex[]::new))
        .over(values.length);
  }

  static Stream<ComplexStepCase> sums() {
    return Stream.of(
        caseOf(
            "sum",
            in -> in.get(0).sum(0, 2),
            in ->
                IntStream.range(0, 3)
                    .mapToObj(i -> sum(row(in.get(0), i, 4)).plus(sum(row(in.get(0), 3 + i, 4))))
                    .toArray(Complex[]::new),
            0,
            0,
            true,
            shape(2, 3, 4)),
        caseOf(
            "cumsum",
            in -> in.get(0).cumsum(-1),
            in ->
                IntStream.range(0, 12)
                    .mapToObj(i -> sum(Arrays.copyOfRange(in.get(0), i / 4 * 4, i + 1)))
                    .toArray(Complex[]::new),
            0,
            0,
            true,
            shape(3, 4)),
        caseOf(
            "prod",
            in -> in.get(0).prod(),
            in ->
                new Complex[] {
                  Arrays.stream(in.get(0)).reduce(Complex.of(1), (a, b) -> a.times(b))
                },
            0.5,
            2,
            false,
            shape(7)),
        caseOf(
            "var",
            in -> in.get(0).var(1),
            in -> new Complex[] {variance(row(in.get(0), 0, 5)), variance(row(in.get(0), 1, 5))},
            -2,
            2,
            false,
            shape(2, 5)),
        caseOf(
            "logSoftmax",
            in -> Functions.logSoftmax(in.get(0)),
            in ->
                IntStream.range(0, 10)
                    .mapToObj(i -> in.get(0)[i].minus(logSumExp(row(in.get(0), i / 5, 5))))
                    .toArray(Complex[]::new),
            -3,
            3,
            false,
            shape(2, 5)),
        caseOf(
            "softmaxCrossentropy",
            in -> Losses.softmaxCrossentropy(in.get(0), 3, 1),
            in ->
                new Complex[] {
                  logSumExp(row(in.get(0), 0, 5))
                      .minus(in.get(0)[3])
                      .plus(logSumExp(row(in.get(0), 1, 5)).minus(in.get(0)[6]))
                      .over(2)
                },
            -3,
            3,
            false,
            shape(2, 5)));
  }

  /** y[n][o][p] of x of shape (2, 2, 6) and filters of shape (3, 2, 3), padding 1, stride 2. */
  private static Complex[] convolution(List<Complex[]> in) {
    Complex[] y = new Complex[2 * 3 * 3];
    for (int i = 0; i < y.length; i++) {
      y[i] = Complex.of(0);
      for (int c = 0; c < 2; c++) {
        for (int k = 0; k < 3; k++) {
          int at = i % 3 * 2 + k - 1;
          if (at >= 0 && at < 6) {
            Complex x = in.get(0)[(i / 9 * 2 + c) * 6 + at];
            y[i] = y[i].plus(x.times(in.get(1)[(i / 3 % 3 * 2 + c) * 3 + k]));
          }
        }
      }
    }
    return y;
  }

  private static Complex[] product(List<Complex[]> in) {
    Complex[] y = new Complex[2 * 3 * 2];
    for (int i = 0; i < y.length; i++) {
      y[i] = Complex.of(0);
      for (int k = 0; k < 4; k++) {
        y[i] = y[i].plus(in.get(0)[i / 2 * 4 + k].times(in.get(1)[k * 2 + i % 2]));
      }
    }
    return y;
  }

  /** Of x of shape (4, 2, 3), gamma and beta. */
  private static Complex[] batchnorm(List<Complex[]> in) {
    Complex[] y = new Complex[24];
    for (int c = 0; c < 2; c++) {
      int channel = c;
      Complex[] own =
          IntStream.range(0, 12)
              .mapToObj(i -> in.get(0)[(i / 3 * 2 + channel) * 3 + i % 3])
              .toArray(Complex[]::new);
      Complex mean = sum(own).over(12);
      Complex std = variance(own).plus(1e-2).sqrt();
      for (int i = 0; i < 12; i++) {
        Complex xHat = own[i].minus(mean).over(std);
        y[(i / 3 * 2 + c) * 3 + i % 3] = xHat.times(in.get(1)[c]).plus(in.get(2)[c]);
      }
    }
    return y;
  }

  static Stream<ComplexStepCase> layers() {
    return Stream.of(
        caseOf(
            "conv",
            in ->
                Functions.conv(
                    in.get(0), in.get(1), null, ConvOptions.DEFAULT.withPadding(1).withStride(2)),
            LayerSteps::convolution,
            0,
            0,
            true,
            shape(2, 2, 6),
            shape(3, 2, 3)),
        caseOf(
            "matmul",
            in -> in.get(0).matmul(in.get(1)),
            LayerSteps::product,
            0,
            0,
            true,
            shape(2, 3, 4),
            shape(4, 2)),
        caseOf(
            "batchnorm",
            in -> Functions.batchnorm(in.get(0), in.get(1), in.get(2), 1e-2),
            LayerSteps::batchnorm,
            0.5,
            2,
            false,
            shape(4, 2, 3),
            shape(2),
            shape(2)),
        caseOf(
            "maxPool",
            in -> Functions.maxPool(in.get(0), new int[] {2}, new int[] {2}),
            in ->
                IntStream.range(0, 4)
                    .mapToObj(
                        i ->
                            in.get(0)[2 * i].re() >= in.get(0)[2 * i + 1].re()
                                ? in.get(0)[2 * i]
                                : in.get(0)[2 * i + 1])
                    .toArray(Complex[]::new),
            -2,
            2,
            true,
            shape(2, 4)));
  }

  /** Operations whose gradients are compared with exact ones elsewhere. */
  static Stream<ComplexStepCase> others() {
    Formula none = in -> new Complex[0];
    int[] maps = {4, 2, 3};
    return Stream.of(
        caseOf( // BatchNormBuilderTest
            "given statistics",
            in -> BatchNormOp.on(in.get(0)).given(in.get(1), in.get(2)).apply(),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2),
            shape(2)),
        caseOf( // BatchNormBuilderTest
            "in place",
            in -> BatchNormOp.on(in.get(0).add(0)).gamma(in.get(1)).inPlace().apply(),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2)),
        caseOf( // BatchNormBuilderTest
            "moments",
            in -> ChannelMoments.of(in.get(0), Layout.NCHW).var(),
            none,
            0,
            1,
            false,
            maps),
        caseOf( // GroupNormsTest
            "group norm",
            in -> Functions.groupNorm(in.get(0), 2, in.get(1), in.get(1), 0.1),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2)),
        caseOf( // GroupNormsTest
            "group norm of channels last",
            in -> Functions.groupNorm(in.get(0), 3, in.get(1), in.get(1), 0.1, Layout.NHWC),
            none,
            0.5,
            2,
            false,
            maps,
            shape(3)),
        caseOf( // GroupNormsTest
            "layer norm",
            in -> Functions.layerNorm(in.get(0), shape(2, 3), in.get(1), null, 0.1),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2, 3)),
        caseOf( // ConvTransposeTest
            "transposed convolution",
            in ->
                Functions.convTranspose(
                    in.get(0), in.get(1), in.get(2), ConvOptions.DEFAULT.withStride(2), 1),
            none,
            0.5,
            2,
            false,
            maps,
            shape(2, 2, 3),
            shape(2)),
        caseOf( // UpsamplingTest
            "linear upsampling",
            in -> Functions.upsampleLinear(Functions.upsampleNearest(in.get(0), 2), 3),
            none,
            0.5,
            2,
            false,
            maps),
        caseOf( // LookupTest
            "embedding",
            in -> Functions.embedding(Tensor.ofInts(new int[] {2, 0, 1, 2}), in.get(0)),
            none,
            0.5,
            2,
            false,
            shape(3, 2)),
        caseOf( // OperationGradientTest
            "astype", in -> in.get(0).astype(DType.F32), none, 0, 1, false, maps));
  }
}
