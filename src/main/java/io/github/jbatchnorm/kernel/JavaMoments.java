package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The statistics of one channel in the plain-Java kernel: the mean as a pair, whose low part is
 * what rounding the mean lost (0 for the narrow types, whose mean a double holds), and the biased
 * variance.
 */
record JavaMoments(double mean, double meanLow, double var) {
  /** Elements whose mean is near that of a channel. */
  private static final int PROBES = 16;

  /** Squared standard deviations between mean and shift, past which narrow sums lose too much. */
  private static final double FAR = 65536;

  static JavaMoments saved(BatchNormShape shape, Storage saved, int c) {
    int channels = shape.c();
    double low = isNarrow(shape) ? 0 : saved.get(channels + c);
    return new JavaMoments(saved.get(c), low, saved.get(2 * channels + c));
  }

  /** Returns the statistics that a call was given; null where it was not. */
  static @Nullable JavaMoments given(ForwardArguments a, int c) {
    if (a.given != null) {
      int channels = a.shape.c();
      return new JavaMoments(
          a.given.get(c), a.given.get(channels + c), a.given.get(2 * channels + c));
    }
    return a.givenMean == null || a.givenVar == null
        ? null
        : new JavaMoments(a.givenMean.get(c), 0, a.givenVar.get(c));
  }

  /**
   * Finds them, from sums of d = x - shift. A shift further from the mean than the dtype's limit
   * allows (docs/numerics.md) is replaced by a better one: narrow types, whose squares are exact,
   * try 0, probes, and the mean found; f64 the last two.
   */
  static JavaMoments of(BatchNormShape shape, Storage x, int c) {
    if (!isNarrow(shape)) {
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

  /** As {@link #of}, with weights: around the first element that counts, then around the mean. */
  static JavaMoments weighted(BatchNormShape shape, Storage x, Storage weights, int c) {
    double total = total(shape, weights);
    double shift = 0;
    for (int i = 0; i < shape.m(); i++) {
      if (weights.get(i) > 0) {
        shift = x.get(shape.offset(c, i));
        break;
      }
    }
    JavaMoments moments = weighted(shape, x, weights, c, shift, total);
    return weighted(shape, x, weights, c, moments.mean, total);
  }

  static double total(BatchNormShape shape, Storage weights) {
    return ordered(shape).sum(weights::get);
  }

  private static JavaMoments weighted(
      BatchNormShape shape, Storage x, Storage weights, int c, double shift, double total) {
    double s1 =
        ordered(shape)
            .sum(
                i -> {
                  double w = weights.get(i);
                  return w > 0 ? w * (x.get(shape.offset(c, i)) - shift) : 0;
                });
    double s2 =
        ordered(shape)
            .sum(
                i -> {
                  double w = weights.get(i);
                  double d = x.get(shape.offset(c, i)) - shift;
                  return w > 0 ? w * d * d : 0;
                });
    return attempt(shape, s1, s2, shift, total, 0).moments;
  }

  private static Attempt attempt(
      BatchNormShape shape, Storage x, int c, double shift, double limit) {
    double s1 = ordered(shape).sum(i -> x.get(shape.offset(c, i)) - shift);
    double s2 = ordered(shape).sum(i -> square(x.get(shape.offset(c, i)) - shift));
    return attempt(shape, s1, s2, shift, (double) shape.m(), limit);
  }

  private static Attempt attempt(
      BatchNormShape shape, double s1, double s2, double shift, double m, double limit) {
    double delta = s1 / m;
    double m2 = s2 - s1 * delta;
    double mean = shift + delta;
    double part = mean - shift;
    double low = isNarrow(shape) ? 0 : (shift - (mean - part)) + (delta - part);
    return new Attempt(
        new JavaMoments(mean, low, m2 < 0 ? 0 : m2 / m), delta * delta * m > limit * m2);
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

  static OrderedSum ordered(BatchNormShape shape) {
    return new OrderedSum(shape.n(), shape.s());
  }

  static boolean isNarrow(BatchNormShape shape) {
    return shape.dtype() != DType.F64;
  }

  double invStd(double eps) {
    return 1 / Math.sqrt(var + eps);
  }

  double scale(@Nullable Storage gamma, int c, double eps) {
    return gamma == null ? invStd(eps) : gamma.get(c) * invStd(eps);
  }

  double centred(double x) {
    return (x - mean) - meanLow;
  }

  /** True where sums of narrow data have to be taken around the mean, not around 0. */
  boolean isFar() {
    return !(mean * mean <= FAR * var);
  }

  /** Writes them to those outputs that are wanted. */
  void put(ForwardArguments a, int c) {
    if (a.mean != null) {
      a.mean.set(c, mean);
    }
    if (a.var != null) {
      a.var.set(c, var);
    }
    if (a.saved != null) {
      a.saved.set(c, mean);
      a.saved.set(a.shape.c() + c, meanLow);
      a.saved.set(2 * a.shape.c() + c, var);
    }
  }

  /** Moments, and whether the shift they were taken around was a poor one. */
  private record Attempt(JavaMoments moments, boolean poor) {}
}
