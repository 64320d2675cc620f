package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract's accuracy: the error over each quantity's natural scale, against exact results. */
class AccuracyTest {
  private static final double F32_BOUND = 1.8e-7;
  private static final double F64_BOUND = 6.7e-16;

  /** Data of a channel, from a random generator. */
  private enum Data {
    STANDARD,
    FAR_OFFSET,
    NEGATIVE_OFFSET,
    OUTLIER,
    RAMP,
    TINY,
    LARGE,
    TWO_CLUSTERS,
    HEAVY_TAILS;

    /** Whether elements and gradients lie within the range of the dtype. */
    boolean fits(DType dtype) {
      boolean huge = this == OUTLIER || this == LARGE || this == HEAVY_TAILS;
      return dtype != DType.F16 || !(huge || this == NEGATIVE_OFFSET);
    }

    IntToDoubleFunction of(SplittableRandom random) {
      return switch (this) {
        case STANDARD -> i -> random.nextGaussian();
        case FAR_OFFSET -> i -> 1e4 + 1e-2 * random.nextGaussian();
        case NEGATIVE_OFFSET -> i -> -1e6 + random.nextGaussian();
        case OUTLIER -> i -> i == 3 ? 1e6 : random.nextGaussian();
        case RAMP -> i -> 5 + 0.001 * i;
        case TINY -> i -> 1e-15 * random.nextGaussian();
        case LARGE -> i -> 1e12 * random.nextGaussian();
        case TWO_CLUSTERS -> i -> (i % 2 == 0 ? 1000 : -1000) + random.nextGaussian();
        case HEAVY_TAILS ->
            i -> StrictMath.exp(4 * random.nextGaussian()) * (random.nextBoolean() ? 1 : -1);
      };
    }
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Data data : Data.values()) {
      for (DType dtype : DType.values()) {
        if (!data.fits(dtype)) {
          continue;
        }
        for (int[] ns : new int[][] {{2, 1}, {1, 3}, {17, 1}, {3, 49}, {1, 1025}}) {
          Layout layout = cases.size() % 2 == 0 ? Layout.NCHW : Layout.NHWC;
          double eps = cases.size() % 3 == 0 && dtype.bytes() > 2 ? 0 : 1e-5;
          cases.add(Arguments.of(data, new BatchNormShape(dtype, layout, ns[0], 3, ns[1]), eps));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void errorsAreWithinTheBound(Data data, BatchNormShape shape, double eps) {
    SplittableRandom random = new SplittableRandom(31L * data.name().length() + shape.s());
    Storage x = Storage.allocate(shape.dtype(), shape.size());
    Storage dy = Storage.allocate(shape.dtype(), shape.size());
    for (int c = 0; c < shape.c(); c++) {
      IntToDoubleFunction values = data.of(random);
      for (int i = 0; i < shape.m(); i++) {
        x.set(shape.offset(c, i), values.applyAsDouble(i));
        dy.set(shape.offset(c, i), random.nextGaussian() + 0.5);
      }
    }
    // The Java kernel gives the same bits: SameBitsTest.
    Run run = new Run(new NativeKernel(), shape, x, dy, eps, random);
    assertThat(run.worstOfData()).isLessThanOrEqualTo(bound(shape.dtype()));
    assertThat(run.worstOfChannels()).isLessThanOrEqualTo(bound(shape.dtype().parameters()));
  }

  /** For 16 bits: the rounding itself, 2^-8 and 2^-11, and a little for what is rounded. */
  static double bound(DType dtype) {
    return switch (dtype) {
      case F32 -> F32_BOUND;
      case F64 -> F64_BOUND;
      case BF16 -> 0x1p-8 * (1 + 1e-5);
      case F16 -> 0x1p-11 * (1 + 1e-5);
    };
  }

  /** Forward and backward of one kernel. */
  private static final class Run {
    private final BatchNormShape shape;
    private final Storage x;
    private final Storage dy;
    private final double eps;
    private final Storage gamma;
    private final Storage beta;
    private final Storage y;
    private final Storage mean;
    private final Storage var;
    private final Storage dx;
    private final Storage dGamma;
    private final Storage dBeta;
    private final ExactBatchNorm[] exact;

    Run(
        BatchNormKernel kernel,
        BatchNormShape shape,
        Storage x,
        Storage dy,
        double eps,
        SplittableRandom random) {
      this.shape = shape;
      this.x = x;
      this.dy = dy;
      this.eps = eps;
      gamma = channels();
      beta = channels();
      for (int c = 0; c < shape.c(); c++) {
        gamma.set(c, random.nextDouble(-2, 2));
        beta.set(c, random.nextDouble(-2, 2));
      }
      y = Storage.allocate(shape.dtype(), shape.size());
      dx = Storage.allocate(shape.dtype(), shape.size());
      mean = channels();
      var = channels();
      dGamma = channels();
      dBeta = channels();
      Storage saved = Storage.allocate(DType.F64, 4L * shape.c());
      kernel.forward(shape, x, gamma, beta, eps, y, mean, var, saved);
      kernel.backward(shape, x, dy, gamma, saved, eps, dx, dGamma, dBeta);
      exact = new ExactBatchNorm[shape.c()];
      Arrays.setAll(exact, this::exact);
    }

    private Storage channels() {
      return Storage.allocate(shape.dtype().parameters(), shape.c());
    }

    private double[] channel(Storage storage, int c) {
      double[] values = new double[(int) shape.m()];
      Arrays.setAll(values, i -> storage.get(shape.offset(c, i)));
      return values;
    }

    double worstOfData() {
      double worst = 0;
      for (int c = 0; c < shape.c(); c++) {
        ExactBatchNorm exact = this.exact[c];
        for (int i = 0; i < shape.m(); i++) {
          int at = shape.offset(c, i);
          worst = Math.max(worst, ExactBatchNorm.error(y.get(at), exact.y(i), exact.yScale()));
          worst = Math.max(worst, ExactBatchNorm.error(dx.get(at), exact.dx(i), exact.dxScale()));
        }
      }
      return worst;
    }

    double worstOfChannels() {
      double worst = 0;
      for (int c = 0; c < shape.c(); c++) {
        ExactBatchNorm exact = this.exact[c];
        double largest = Arrays.stream(channel(x, c)).map(Math::abs).max().orElse(0);
        BigDecimal meanScale = new BigDecimal(largest);
        worst = Math.max(worst, ExactBatchNorm.error(mean.get(c), exact.mean, meanScale));
        worst = Math.max(worst, ExactBatchNorm.error(var.get(c), exact.var, exact.var));
        worst =
            Math.max(worst, ExactBatchNorm.error(dGamma.get(c), exact.dGamma, exact.dGammaScale()));
        worst =
            Math.max(worst, ExactBatchNorm.error(dBeta.get(c), exact.dBeta, exact.dBetaScale()));
      }
      return worst;
    }

    private ExactBatchNorm exact(int c) {
      return new ExactBatchNorm(channel(x, c), channel(dy, c), gamma.get(c), beta.get(c), eps);
    }
  }

  static Stream<Arguments> constantChannels() {
    List<Arguments> cases = new ArrayList<>();
    for (DType dtype : DType.values()) {
      for (Layout layout : Layout.values()) {
        for (double value : new double[] {0, 1e4, -0.1, 1e-30, 1e30, Math.PI}) {
          if (dtype == DType.F16 && value > 1e5) {
            continue;
          }
          cases.add(Arguments.of(new BatchNormShape(dtype, layout, 7, 3, 49), value));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("constantChannels")
  void constantChannelGivesExactlyBeta(BatchNormShape shape, double value) {
    Storage x = Storage.allocate(shape.dtype(), shape.size());
    for (int i = 0; i < shape.size(); i++) {
      x.set(i, value);
    }
    Storage beta = Storage.allocate(shape.dtype().parameters(), 3);
    for (int c = 0; c < 3; c++) {
      beta.set(c, c / 8.0);
    }
    for (BatchNormKernel kernel : new BatchNormKernel[] {new NativeKernel(), new JavaKernel()}) {
      Storage y = Storage.allocate(shape.dtype(), shape.size());
      Storage var = Storage.allocate(shape.dtype().parameters(), 3);
      kernel.forward(shape, x, null, beta, 1e-5, y, null, var, null);
      for (int c = 0; c < 3; c++) {
        assertThat(var.get(c)).isZero();
        for (int i = 0; i < shape.m(); i++) {
          assertThat(y.get(shape.offset(c, i))).isEqualTo(beta.get(c));
        }
      }
    }
  }
}
