package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Isa;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A search for inputs that break the contract's bounds: channels that climb the hill of their own
 * error. {@code -Djbatchnorm.test.climbs=1000} makes the search as long as wanted.
 */
final class AdversarialAccuracyTest {
  private static final int CLIMBS = Integer.getInteger("jbatchnorm.test.climbs", 8);
  private static final int STEPS = 250;

  /** Inputs stay within the range of f16. */
  private static final double MOST = 6e4;

  private static final BigDecimal LARGEST_F16 = BigDecimal.valueOf(65504);

  /** The bounds of y, of dx, and of what is of C elements (docs/numerics.md). */
  private record Bounds(double y, double dx, double channel) {
    static Bounds of(DType dtype) {
      return switch (dtype) {
        case F32 -> new Bounds(1.8e-7, 2.4e-7, 1.8e-7);
        case F64 -> new Bounds(6.7e-16, 6.7e-16, 6.7e-16);
        case BF16 -> new Bounds(0x1p-8 + 1.8e-7, 0x1p-8 + 2.4e-7, 1.8e-7);
        case F16 -> new Bounds(0x1p-11 + 1.8e-7, 0x1p-11 + 2.4e-7, 1.8e-7);
      };
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void noChannelThatClimbsItsOwnErrorPassesTheBound(DType dtype) {
    for (int climb = 0; climb < CLIMBS; climb++) {
      SplittableRandom random = new SplittableRandom(7919L * climb + dtype.bytes());
      Channel best = Channel.random(dtype, random);
      double worst = best.error();
      for (int step = 0; step < STEPS; step++) {
        Channel next = best.mutated(random);
        double error = next.error();
        if (error >= worst) {
          best = next;
          worst = error;
        }
      }
      assertThat(worst).as("climb %s: %s", climb, best).isLessThanOrEqualTo(1);
    }
  }

  /** One channel of M elements. */
  private static final class Channel {
    private final DType dtype;
    private final double[] x;
    private final double[] dy;
    private final double gamma;
    private final double beta;
    private final double eps;

    Channel(DType dtype, double[] x, double[] dy, double gamma, double beta, double eps) {
      this.dtype = dtype;
      this.x = x;
      this.dy = dy;
      this.gamma = gamma;
      this.beta = beta;
      this.eps = eps;
    }

    static Channel random(DType dtype, SplittableRandom random) {
      int m = random.nextInt(2, 90);
      double offset = random.nextBoolean() ? 0 : Math.scalb(random.nextDouble(), random.nextInt(8));
      double[] x = new double[m];
      double[] dy = new double[m];
      Arrays.setAll(x, i -> offset + random.nextGaussian());
      Arrays.setAll(dy, i -> random.nextGaussian());
      double eps = random.nextBoolean() ? 1e-5 : 0x1p-40;
      return new Channel(dtype, x, dy, random.nextGaussian(), random.nextGaussian(), eps);
    }

    /** Another one nearby: some elements nudged, replaced, scaled or made equal. */
    Channel mutated(SplittableRandom random) {
      double[] nextX = x.clone();
      double[] nextDy = dy.clone();
      double nextGamma = gamma;
      double nextBeta = beta;
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        double[] target = random.nextBoolean() ? nextX : nextDy;
        int at = random.nextInt(target.length);
        switch (random.nextInt(7)) {
          case 0 -> target[at] *= 1 + random.nextGaussian() * 1e-7;
          case 1 -> target[at] = random.nextGaussian() + target[random.nextInt(target.length)];
          case 2 -> target[at] = target[random.nextInt(target.length)];
          case 3 -> target[at] = Math.scalb(target[at], random.nextInt(-3, 4));
          case 4 -> target[at] += random.nextGaussian();
          case 5 -> nextGamma *= 1 + random.nextGaussian() / 8;
          default -> nextBeta += random.nextGaussian() / 8;
        }
      }
      return new Channel(dtype, nextX, nextDy, nextGamma, nextBeta, eps);
    }

    /** The largest error of any output, over its scale and bound. */
    double error() {
      int m = x.length;
      BatchNormShape shape = new BatchNormShape(dtype, Layout.NCHW, 1, 1, m);
      Storage data = stored(dtype, x);
      Storage gradient = stored(dtype, dy);
      Storage scale = stored(dtype.parameters(), gamma);
      Storage shift = stored(dtype.parameters(), beta);
      Storage y = Storage.allocate(dtype, m);
      Storage dx = Storage.allocate(dtype, m);
      Storage[] out = new Storage[4];
      Arrays.setAll(out, i -> Storage.allocate(dtype.parameters(), 1));
      Storage saved = Storage.allocate(DType.F64, 4);
      NativeKernel kernel = new NativeKernel(1, Isa.BEST);
      kernel.forward(shape, data, scale, shift, eps, y, out[0], out[1], saved);
      kernel.backward(shape, data, gradient, scale, saved, eps, dx, out[2], out[3]);
      ExactBatchNorm exact =
          new ExactBatchNorm(values(data), values(gradient), scale.get(0), shift.get(0), eps);
      Bounds bounds = Bounds.of(dtype);
      double worst = 0;
      for (int i = 0; i < m; i++) {
        worst = Math.max(worst, over(y.get(i), exact.y(i), exact.yScale(), bounds.y));
        worst = Math.max(worst, over(dx.get(i), exact.dx(i), exact.dxScale(), bounds.dx));
      }
      BigDecimal largest =
          new BigDecimal(Arrays.stream(values(data)).map(Math::abs).max().orElse(0));
      worst = Math.max(worst, over(out[0].get(0), exact.mean, largest, bounds.channel));
      worst = Math.max(worst, over(out[1].get(0), exact.var, exact.var, bounds.channel));
      worst =
          Math.max(worst, over(out[2].get(0), exact.dGamma, exact.dGammaScale(), bounds.channel));
      return Math.max(worst, over(out[3].get(0), exact.dBeta, exact.dBetaScale(), bounds.channel));
    }

    private static double over(double found, BigDecimal exact, BigDecimal scale, double bound) {
      if (Double.isInfinite(found) && exact.abs().compareTo(LARGEST_F16) > 0) {
        return 0; // past the range of f16; nothing else here comes near its own
      }
      // Below this results are denormal, and their last place is no part of their scale.
      BigDecimal least = scale.max(BigDecimal.valueOf(0x1p-100));
      return ExactBatchNorm.error(found, exact, least) / bound;
    }

    private static Storage stored(DType dtype, double... values) {
      Storage storage = Storage.allocate(dtype, values.length);
      for (int i = 0; i < values.length; i++) {
        storage.set(i, Math.max(-MOST, Math.min(MOST, values[i])));
      }
      return storage;
    }

    private static double[] values(Storage storage) {
      double[] values = new double[storage.length()];
      Arrays.setAll(values, storage::get);
      return values;
    }

    @Override
    public String toString() {
      return "x %s, dy %s, gamma %s, beta %s, eps %s"
          .formatted(Arrays.toString(x), Arrays.toString(dy), gamma, beta, eps);
    }
  }
}
