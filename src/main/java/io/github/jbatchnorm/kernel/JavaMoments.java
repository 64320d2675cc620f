package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The statistics of one channel in the plain-Java kernel: the mean as a pair, whose low part is
 * what rounding the mean lost (0 where they were found in narrow elements, whose mean a double
 * holds), and the biased variance, all of x times a scale: a power of two, and 1 unless x is f64
 * with a variance near the ends of its range (docs/numerics.md).
 */
record JavaMoments(double mean, double meanLow, double var, double scale) {
  /** Elements whose mean is near that of a channel. */
  private static final int PROBES = 16;

  /** Squared standard deviations between mean and centre, past which narrow sums lose too much. */
  private static final double FAR = 65536;

  private static final double LEAST_VAR = 0x1p-1000;
  private static final double MOST_VAR = 0x1p1000;
  private static final double LEAST_SQUARES = 0x1p-900;
  private static final double SHRINK = 0x1p-600;
  private static final double GROW = 0x1p600;

  /** How often the sums of f64 are taken: around a better centre, and scaled. */
  private static final int ATTEMPTS = 3;

  static JavaMoments saved(BatchNormShape shape, Storage saved, int c) {
    int channels = shape.c();
    JavaMoments moments =
        new JavaMoments(
            saved.get(c),
            saved.get(channels + c),
            saved.get(2 * channels + c),
            saved.get(3 * channels + c));
    return isNarrow(shape) ? moments.unscaled() : moments;
  }

  private JavaMoments unscaled() {
    return new JavaMoments(mean / scale, meanLow / scale, var / scale / scale, 1);
  }

  /** Without the scale, where it is not needed. */
  private JavaMoments plainest() {
    JavaMoments unscaled = unscaled();
    boolean isNear = unscaled.var >= LEAST_VAR && unscaled.var <= MOST_VAR;
    return var > 0 && var <= MOST_VAR && !isNear ? this : unscaled;
  }

  /** Returns the statistics that a call was given; null where it was not. */
  static @Nullable JavaMoments given(ForwardArguments a, int c) {
    if (a.given != null) {
      return saved(a.shape, a.given, c);
    }
    return a.givenMean == null || a.givenVar == null
        ? null
        : new JavaMoments(a.givenMean.get(c), 0, a.givenVar.get(c), 1);
  }

  /**
   * Finds them, from sums of d = x * scale - shift: around 0 where squares are exact, else near the
   * mean; where that is too far from the mean found, or squares leave their range, again
   * (docs/numerics.md).
   */
  static JavaMoments of(
      BatchNormShape shape, Storage x, @Nullable Weights weights, int c, double eps) {
    Channel channel = new Channel(shape, x, weights, c, count(shape, weights));
    if (isNarrow(shape)) {
      Attempt first = channel.attempt(0, 1);
      return first.poor ? channel.attempt(first.moments.mean, 1).moments : first.moments;
    }
    return channel.inRange(eps);
  }

  /** Returns the elements of a channel, or the sum of their weights. */
  static double count(BatchNormShape shape, @Nullable Weights weights) {
    return weights == null ? shape.m() : weights.total();
  }

  private record Channel(
      BatchNormShape shape, Storage x, @Nullable Weights weights, int c, double count) {
    double weight(int i) {
      return weights == null ? 1 : weights.get(i);
    }

    double value(int i) {
      return x.get(shape.offset(c, i));
    }

    double d(int i, double shift, double scale) {
      return weight(i) > 0 ? value(i) * scale - shift : 0;
    }

    JavaMoments inRange(double eps) {
      double scale = 1;
      double shift = probe(1);
      for (int attempt = 0; ; attempt++) {
        Attempt now = attempt(shift, scale);
        boolean isLast = attempt + 1 == ATTEMPTS;
        double next = isLast || scale != 1 || !(count > 0) ? scale : scaleFor(now.squares, eps);
        if (next != scale) {
          shift = attempt == 0 ? probe(next) : shift * next;
          scale = next;
        } else if (!isLast && now.poor && (attempt == 0 || scale != 1)) {
          shift = now.moments.mean;
        } else {
          return scale == 1 ? now.moments : now.moments.plainest();
        }
      }
    }

    private static double scaleFor(double squares, double eps) {
      if (!(squares <= MOST_VAR)) {
        return SHRINK;
      }
      return squares < LEAST_SQUARES && eps < LEAST_SQUARES ? GROW : 1;
    }

    Attempt attempt(double shift, double scale) {
      double s1 = ordered(shape).sum(i -> weight(i) * d(i, shift, scale));
      double s2 = ordered(shape).sum(i -> weight(i) * d(i, shift, scale) * d(i, shift, scale));
      double delta = s1 / count;
      double m2 = s2 - s1 * delta;
      double mean = shift + delta;
      double part = mean - shift;
      double low = isNarrow(shape) ? 0 : (shift - (mean - part)) + (delta - part);
      return new Attempt(
          s2,
          new JavaMoments(mean, low, m2 < 0 ? 0 : m2 / count, scale),
          delta * delta * count > (isNarrow(shape) ? FAR : 1) * m2);
    }

    /** The mean of up to 16 elements evenly spread; with weights the first element that counts. */
    double probe(double scale) {
      long m = shape.m();
      int first = 0;
      while (first < m && !(weight(first) > 0)) {
        first++;
      }
      if (first == m) {
        return 0;
      }
      double origin = value(first) * scale;
      if (weights != null) {
        return origin;
      }
      int probes = (int) Math.min(m, PROBES);
      double sum = 0;
      for (int i = 1; i < probes; i++) {
        sum += value((int) (i * m / probes)) * scale - origin;
      }
      return origin + sum / probes;
    }
  }

  static OrderedSum ordered(BatchNormShape shape) {
    return new OrderedSum(shape.n(), shape.s(), !isNarrow(shape));
  }

  static boolean isNarrow(BatchNormShape shape) {
    return shape.dtype() != DType.F64;
  }

  /** Of x times the scale. */
  double invStd(double eps) {
    return 1 / Math.sqrt(var + eps * scale * scale);
  }

  /** True where sums of narrow data have to be taken around the mean, not around 0. */
  static boolean isFar(double mean, double var) {
    return !(mean * mean <= FAR * var);
  }

  /** Writes them to those outputs that are wanted. */
  void put(ForwardArguments a, int c) {
    if (a.mean != null) {
      a.mean.set(c, unscaled().mean);
    }
    if (a.var != null) {
      a.var.set(c, unscaled().var);
    }
    if (a.saved != null) {
      a.saved.set(c, mean);
      a.saved.set(a.shape.c() + c, meanLow);
      a.saved.set(2 * a.shape.c() + c, var);
      a.saved.set(3 * a.shape.c() + c, scale);
    }
  }

  /** The sum of squares, moments, and whether the shift they were taken around was a poor one. */
  private record Attempt(double squares, JavaMoments moments, boolean poor) {}
}
