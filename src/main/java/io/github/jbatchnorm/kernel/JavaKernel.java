package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The kernel in plain Java, on the calling thread: the reference that the native kernel is tested
 * against, and the kernel of machines that have no native library. It keeps the contract of
 * docs/numerics.md to the bit, and makes no attempt at speed.
 */
public final class JavaKernel implements BatchNormKernel {
  /** Elements whose mean is near that of a channel. */
  private static final int PROBES = 16;

  /** Squared standard deviations between mean and shift, past which f32 sums lose too much. */
  private static final double FAR = 65536;

  /** Makes a kernel; it has no state. */
  public JavaKernel() {}

  @Override
  public String name() {
    return "java";
  }

  @Override
  public void forward(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      double eps,
      Storage y,
      @Nullable Storage mean,
      @Nullable Storage var,
      @Nullable Storage saved) {
    Checks.forward(shape, x, gamma, beta, eps, y, mean, var, saved);
    for (int c = 0; c < shape.c(); c++) {
      Moments moments = moments(shape, x, c);
      normalize(shape, x, c, moments, scale(gamma, c, moments, eps), orZero(beta, c), y);
      if (mean != null) {
        mean.set(c, moments.mean);
      }
      if (var != null) {
        var.set(c, moments.var);
      }
      if (saved != null) {
        saved.set(c, moments.mean);
        saved.set(shape.c() + c, moments.meanLow);
        saved.set(2 * shape.c() + c, moments.var);
      }
    }
  }

  @Override
  public void infer(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      Storage mean,
      Storage var,
      double eps,
      Storage y) {
    Checks.infer(shape, x, gamma, beta, mean, var, eps, y);
    for (int c = 0; c < shape.c(); c++) {
      Moments moments = new Moments(mean.get(c), 0, var.get(c));
      normalize(shape, x, c, moments, scale(gamma, c, moments, eps), orZero(beta, c), y);
    }
  }

  @Override
  public void backward(
      BatchNormShape shape,
      Storage x,
      Storage dy,
      @Nullable Storage gamma,
      Storage saved,
      double eps,
      @Nullable Storage dx,
      @Nullable Storage dGamma,
      @Nullable Storage dBeta) {
    Checks.backward(shape, x, dy, gamma, saved, eps, dx, dGamma, dBeta);
    double m = shape.m();
    for (int c = 0; c < shape.c(); c++) {
      int channel = c;
      int channels = shape.c();
      Moments moments =
          new Moments(
              saved.get(c), low(shape, saved.get(channels + c)), saved.get(2 * channels + c));
      boolean plain = shape.dtype() == DType.F32 && !moments.isFar();
      double dySum = ordered(shape).sum(i -> dy.get(shape.offset(channel, i)));
      double productSum =
          ordered(shape)
              .sum(
                  i -> {
                    int at = shape.offset(channel, i);
                    return dy.get(at) * (plain ? x.get(at) : moments.centred(x.get(at)));
                  });
      double products = plain ? productSum - moments.mean * dySum : productSum;
      double invStd = moments.invStd(eps);
      double gradient = m == 0 ? 0 : products * invStd;
      if (dGamma != null) {
        dGamma.set(c, gradient);
      }
      if (dBeta != null) {
        dBeta.set(c, dySum);
      }
      if (dx != null) {
        double dyMean = dySum / m;
        double slope = gradient / m * invStd;
        double scale = scale(gamma, c, moments, eps);
        for (int i = 0; i < shape.m(); i++) {
          int at = shape.offset(c, i);
          double d = moments.centred(x.get(at));
          dx.set(at, ((dy.get(at) - dyMean) - d * slope) * scale);
        }
      }
    }
  }

  private static void normalize(
      BatchNormShape shape,
      Storage x,
      int c,
      Moments moments,
      double scale,
      double shift,
      Storage y) {
    for (int i = 0; i < shape.m(); i++) {
      int at = shape.offset(c, i);
      y.set(at, moments.centred(x.get(at)) * scale + shift);
    }
  }

  private static double scale(@Nullable Storage gamma, int c, Moments moments, double eps) {
    return gamma == null ? moments.invStd(eps) : gamma.get(c) * moments.invStd(eps);
  }

  private static double orZero(@Nullable Storage beta, int c) {
    return beta == null ? 0 : beta.get(c);
  }

  private static OrderedSum ordered(BatchNormShape shape) {
    return new OrderedSum(shape.n(), shape.s());
  }

  /**
   * The statistics of one channel, from sums of d = x - shift. A shift further from the mean than
   * the dtype's limit allows (docs/numerics.md) is replaced by a better one: f32 tries 0, probes,
   * and the mean found; f64, whose squares are not exact, the last two.
   */
  private static Moments moments(BatchNormShape shape, Storage x, int c) {
    if (shape.dtype() == DType.F64) {
      Attempt probed = attempt(shape, x, c, probe(shape, x, c), 1);
      return probed.poor ? attempt(shape, x, c, probed.moments.mean, 1).moments : probed.moments;
    }
    Attempt plain = attempt(shape, x, c, 0, FAR);
    if (!plain.poor) {
      return plain.moments;
    }
    Attempt probed = attempt(shape, x, c, probe(shape, x, c), FAR);
    return probed.poor ? attempt(shape, x, c, probed.moments.mean, FAR).moments : probed.moments;
  }

  private static Attempt attempt(
      BatchNormShape shape, Storage x, int c, double shift, double limit) {
    double m = shape.m();
    double s1 = ordered(shape).sum(i -> x.get(shape.offset(c, i)) - shift);
    double s2 = ordered(shape).sum(i -> square(x.get(shape.offset(c, i)) - shift));
    double delta = s1 / m;
    double m2 = s2 - s1 * delta;
    double mean = shift + delta;
    double part = mean - shift;
    double meanLow = low(shape, (shift - (mean - part)) + (delta - part));
    Moments moments = new Moments(mean, meanLow, m2 < 0 ? 0 : m2 / m);
    return new Attempt(moments, delta * delta * m > limit * m2);
  }

  /** The mean's low part: a double holds the mean of f32 data without it. */
  private static double low(BatchNormShape shape, double meanLow) {
    return shape.dtype() == DType.F32 ? 0 : meanLow;
  }

  private static double square(double d) {
    return d * d;
  }

  /** The mean of up to 16 elements evenly spread over a channel; 0 where it has none. */
  private static double probe(BatchNormShape shape, Storage x, int c) {
    long m = shape.m();
    if (m == 0) {
      return 0;
    }
    int probes = (int) Math.min(m, PROBES);
    double first = x.get(shape.offset(c, 0));
    double sum = 0;
    for (int i = 1; i < probes; i++) {
      sum += x.get(shape.offset(c, (int) (i * m / probes))) - first;
    }
    return first + sum / probes;
  }

  /** The mean as a pair, whose low part is what rounding the mean lost, and the biased variance. */
  private record Moments(double mean, double meanLow, double var) {
    double invStd(double eps) {
      return 1 / Math.sqrt(var + eps);
    }

    double centred(double x) {
      return (x - mean) - meanLow;
    }

    /** True where sums of f32 data have to be taken around the mean, not around 0. */
    boolean isFar() {
      return !(mean * mean <= FAR * var);
    }
  }

  /** Moments, and whether the shift they were taken around was a poor one. */
  private record Attempt(Moments moments, boolean poor) {}
}
