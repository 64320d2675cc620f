package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract's accuracy of tails, sums, weights, given statistics and second gradients. */
class FusedAccuracyTest {
  private static final double EPS = 1e-3;
  private static final int C = 3;

  private enum Call {
    RELU,
    ADD_LEAKY,
    GIVEN,
    WEIGHTS,
    INVERTED
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Call call : Call.values()) {
      for (DType dtype : DType.values()) {
        for (Layout layout : Layout.values()) {
          for (double offset : new double[] {0, 100}) {
            cases.add(Arguments.of(call, new BatchNormShape(dtype, layout, 3, C, 21), offset));
          }
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void errorsAreWithinTheBound(Call call, BatchNormShape shape, double offset) {
    Run run = new Run(shape, new SplittableRandom(call.name().length()), offset);
    switch (call) {
      case RELU -> run.check(0, false, false, false);
      case ADD_LEAKY -> run.check(0.25, true, false, false);
      case GIVEN -> run.check(0.25, false, true, false);
      case WEIGHTS -> run.check(0.25, true, false, true);
      case INVERTED -> run.checkInverted();
    }
  }

  @ParameterizedTest
  @MethodSource("secondCases")
  void secondGradientsAreWithinTheBound(BatchNormShape shape, boolean given) {
    new Run(shape, new SplittableRandom(3), 1).checkSecond(given);
  }

  static Stream<Arguments> secondCases() {
    List<Arguments> cases = new ArrayList<>();
    for (DType dtype : DType.values()) {
      for (Layout layout : Layout.values()) {
        for (boolean given : new boolean[] {false, true}) {
          cases.add(Arguments.of(new BatchNormShape(dtype, layout, 2, C, 3), given));
          cases.add(Arguments.of(new BatchNormShape(dtype, layout, 1, C, 17), given));
        }
      }
    }
    return cases.stream();
  }

  private static final class Run {
    private final BatchNormShape shape;
    private final CaseData in;
    private final NativeKernel kernel = new NativeKernel();
    private final Storage y;
    private final Storage dx;
    private final Storage dz;
    private final Storage mean;
    private final Storage var;
    private final Storage dGamma;
    private final Storage dBeta;
    private final Storage saved = Storage.allocate(DType.F64, 4L * C);

    Run(BatchNormShape shape, SplittableRandom random, double offset) {
      this.shape = shape;
      in = new CaseData(shape, "plain");
      for (int i = 0; i < shape.size(); i++) {
        in.x.set(i, random.nextGaussian() + offset);
        in.dy.set(i, random.nextGaussian() + 0.3);
      }
      mean = channels();
      var = channels();
      dGamma = channels();
      dBeta = channels();
      y = Storage.allocate(shape.dtype(), shape.size());
      dx = Storage.allocate(shape.dtype(), shape.size());
      dz = Storage.allocate(shape.dtype(), shape.size());
    }

    private Storage channels() {
      return Storage.allocate(shape.dtype().parameters(), C);
    }

    private ExactChannel exact(int c, double slope, boolean adds, boolean given, boolean weighs) {
      ExactChannel exact =
          new ExactChannel((int) shape.m(), in.gamma.get(c), in.beta.get(c), slope, EPS);
      for (int i = 0; i < shape.m(); i++) {
        int at = shape.offset(c, i);
        exact.x[i] = new BigDecimal(in.x.get(at));
        exact.dy[i] = new BigDecimal(in.dy.get(at));
        exact.z[i] = adds ? new BigDecimal(in.z.get(at)) : BigDecimal.ZERO;
        exact.weights[i] = weighs ? new BigDecimal(in.weights.get(i)) : BigDecimal.ONE;
      }
      if (given) {
        exact.givenMean = new BigDecimal(in.mean.get(c));
        exact.givenVar = new BigDecimal(in.var.get(c));
      }
      return exact;
    }

    void check(double slope, boolean adds, boolean given, boolean weighs) {
      BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(EPS).withLeakyRelu(slope);
      ForwardArguments forward =
          new ForwardArguments(shape, options, in.x)
              .gamma(in.gamma)
              .beta(in.beta)
              .z(adds ? in.z : null)
              .weights(weighs ? Weights.of(in.weights) : null)
              .y(y)
              .mean(mean)
              .var(var)
              .saved(saved);
      BackwardArguments backward =
          new BackwardArguments(shape, options, in.x, in.dy, saved)
              .gamma(in.gamma)
              .beta(in.beta)
              .y(adds ? y : null)
              .weights(weighs ? Weights.of(in.weights) : null)
              .dx(dx)
              .dz(dz)
              .dGamma(dGamma)
              .dBeta(dBeta);
      kernel.forward(given ? forward.given(in.mean, in.var) : forward);
      kernel.backward(given ? backward.given() : backward);
      for (int c = 0; c < C; c++) {
        compare(exact(c, slope, adds, given, weighs), c);
      }
    }

    private void compare(ExactChannel exact, int c) {
      DType parameters = shape.dtype().parameters();
      within("mean", mean.get(c), exact.mean(), ExactChannel.largest(exact.x), parameters);
      within("var", var.get(c), exact.var(), exact.var(), parameters);
      within("dBeta", dBeta.get(c), exact.dBeta(), exact.dBetaScale(), parameters);
      within("dGamma", dGamma.get(c), exact.dGamma(), exact.dGammaScale(), parameters);
      all("y", y, exact.y(), c, i -> ExactChannel.largest(exact.y()).add(BigDecimal.ONE));
      all("dx", dx, exact.dx(), c, i -> exact.dxScale());
      all("dz", dz, exact.g(), c, i -> ExactChannel.largest(exact.dy));
    }

    private void all(
        String name, Storage found, BigDecimal[] exact, int c, IntFunction<BigDecimal> scale) {
      for (int i = 0; i < exact.length; i++) {
        double value = found.get(shape.offset(c, i));
        within(name + " " + i, value, exact[i], scale.apply(i), shape.dtype());
      }
    }

    private static void within(
        String name, double found, BigDecimal exact, BigDecimal scale, DType dtype) {
      assertThat(ExactBatchNorm.error(found, exact, scale))
          .as("%s: %s for %s", name, found, exact)
          .isLessThanOrEqualTo(AccuracyTest.bound(dtype));
    }

    /** In place: the gradients are those of the y that was stored, whose rounding they carry. */
    void checkInverted() {
      BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(EPS).withLeakyRelu(0.5);
      Storage x = Storage.allocate(shape.dtype(), shape.size());
      x.copyFrom(in.x);
      kernel.forward(
          new ForwardArguments(shape, options, x)
              .gamma(in.gamma)
              .beta(in.beta)
              .y(x)
              .saved(saved)
              .invertible());
      kernel.backward(
          new BackwardArguments(shape, options, x, in.dy, saved)
              .gamma(in.gamma)
              .beta(in.beta)
              .inverted()
              .dx(dx)
              .dGamma(dGamma)
              .dBeta(dBeta));
      // xHat's error is that of y over gamma, which is 0.5 or more here.
      double rounding = 16 * AccuracyTest.bound(shape.dtype());
      for (int c = 0; c < C; c++) {
        ExactChannel exact = exact(c, 0.5, false, false, false);
        BigDecimal scale = exact.dxScale();
        BigDecimal[] expected = exact.dx();
        for (int i = 0; i < expected.length; i++) {
          assertThat(ExactBatchNorm.error(dx.get(shape.offset(c, i)), expected[i], scale))
              .isLessThanOrEqualTo(rounding);
        }
        BigDecimal dyScale = ExactChannel.largest(exact.dy).multiply(BigDecimal.valueOf(shape.m()));
        assertThat(ExactBatchNorm.error(dGamma.get(c), exact.dGamma(), dyScale))
            .isLessThanOrEqualTo(rounding);
      }
    }

    void checkSecond(boolean given) {
      kernel.forward(
          given
              ? new ForwardArguments(shape, BatchNormOptions.DEFAULT, in.x)
                  .given(in.mean, in.var)
                  .saved(saved)
              : new ForwardArguments(shape, BatchNormOptions.DEFAULT, in.x).saved(saved));
      SecondArguments arguments =
          new SecondArguments(shape, EPS, in.x, in.dy, saved)
              .gamma(in.gamma)
              .v(in.z)
              .vGamma(in.mean)
              .vBeta(in.beta)
              .gx(dx)
              .gdy(dz)
              .gGamma(dGamma);
      kernel.second(given ? arguments.given() : arguments);
      for (int c = 0; c < C; c++) {
        compareSecond(exact(c, 1, false, given, false), c);
      }
    }

    private void compareSecond(ExactChannel exact, int c) {
      int m = (int) shape.m();
      BigDecimal[] v = new BigDecimal[m];
      for (int i = 0; i < m; i++) {
        v[i] = new BigDecimal(in.z.get(shape.offset(c, i)));
      }
      BigDecimal vGamma = new BigDecimal(in.mean.get(c));
      BigDecimal vBeta = new BigDecimal(in.beta.get(c));
      BigDecimal[] gx = new BigDecimal[m];
      BigDecimal[] gdy = new BigDecimal[m];
      for (int i = 0; i < m; i++) {
        gx[i] = exact.second(exact.x, i, v, vGamma, vBeta);
        gdy[i] = exact.second(exact.dy, i, v, vGamma, vBeta);
      }
      // Terms of the sums are of the size of their largest factors, a few of them together.
      BigDecimal terms =
          ExactChannel.largest(gx).add(ExactChannel.largest(exact.dy)).multiply(BigDecimal.TEN);
      all("gx", dx, gx, c, i -> terms);
      all("gdy", dz, gdy, c, i -> ExactChannel.largest(gdy).add(BigDecimal.ONE));
      BigDecimal gammaTerms = terms.multiply(BigDecimal.valueOf(m));
      within(
          "gGamma",
          dGamma.get(c),
          exact.secondByGamma(v, vGamma, vBeta),
          gammaTerms,
          shape.dtype().parameters());
    }
  }
}
