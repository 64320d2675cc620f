package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The statistics of one channel in the plain-Java kernel: the mean as a pair, whose low part is
 * what rounding the mean lost (0 where they were found in narrow elements, whose mean a double
 * holds), and the biased variance.
 */
record JavaMoments(double mean, double meanLow, double var) {
  /** Elements whose mean is near that of a channel. */
  private static final int PROBES = 16;

  /** Squared standard deviations between mean and centre, past which narrow sums lose too much. */
  private static final double FAR = 65536;

  static JavaMoments saved(BatchNormShape shape, Storage saved, int c) {
    int channels = shape.c();
    return new JavaMoments(saved.get(c), saved.get(channels + c), saved.get(2 * channels + c));
  }

  /** Returns the statistics that a call was given; null where it was not. */
  static @Nullable JavaMoments given(ForwardArguments a, int c) {
    if (a.given != null) {
      return saved(a.shape, a.given, c);
    }
    return a.givenMean == null || a.givenVar == null
        ? null
        : new JavaMoments(a.givenMean.get(c), 0, a.givenVar.get(c));
  }

  /**
   * Finds them, from sums of d = x - shift: around 0 where squares are exact, else near the mean;
   * where that is too far from the mean found (docs/numerics.md), again around it.
   */
  static JavaMoments of(BatchNormShape shape, Storage x, @Nullable Storage weights, int c) {
    Channel channel = new Channel(shape, x, weights, c);
    Attempt first = channel.attempt(isNarrow(shape) ? 0 : channel.probe());
    return first.poor ? channel.attempt(first.moments.mean).moments : first.moments;
  }

  /** Returns the elements of a channel, or the sum of their weights. */
  static double count(BatchNormShape shape, @Nullable Storage weights) {
    return weights == null ? shape.m() : ordered(shape).ofWeights(weights::get);
  }

  private record Channel(BatchNormShape shape, Storage x, @Nullable Storage weights, int c) {
    double weight(int i) {
      return weights == null ? 1 : weights.get(i);
    }

    double value(int i) {
      return x.get(shape.offset(c, i));
    }

    double d(int i, double shift) {
      return weight(i) > 0 ? value(i) - shift : 0;
    }

    Attempt attempt(double shift) {
      double s1 = ordered(shape).sum(i -> weight(i) * d(i, shift));
      double s2 = ordered(shape).sum(i -> weight(i) * d(i, shift) * d(i, shift));
      double count = count(shape, weights);
      double delta = s1 / count;
      double m2 = s2 - s1 * delta;
      double mean = shift + delta;
      double part = mean - shift;
      double low = isNarrow(shape) ? 0 : (shift - (mean - part)) + (delta - part);
      return new Attempt(
          new JavaMoments(mean, low, m2 < 0 ? 0 : m2 / count),
          delta * delta * count > (isNarrow(shape) ? FAR : 1) * m2);
    }

    /** The mean of up to 16 elements evenly spread; with weights the first element that counts. */
    double probe() {
      long m = shape.m();
      int first = 0;
      while (first < m && !(weight(first) > 0)) {
        first++;
      }
      if (first == m) {
        return 0;
      }
      double origin = value(first);
      if (weights != null) {
        return origin;
      }
      int probes = (int) Math.min(m, PROBES);
      double sum = 0;
      for (int i = 1; i < probes; i++) {
        sum += value((int) (i * m / probes)) - origin;
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

  double invStd(double eps) {
    return 1 / Math.sqrt(var + eps);
  }

  /** True where sums of narrow data have to be taken around the mean, not around 0. */
  static boolean isFar(double mean, double var) {
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
