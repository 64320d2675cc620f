package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * Finds the statistics of channels, from sums of d = x * scale - shift: around 0 where squares are
 * exact, else near the mean; where that is too far from the mean found, or squares leave their
 * range, again (docs/numerics.md).
 */
final class JavaStatistics {
  /** Elements whose mean is near that of a channel. */
  private static final int PROBES = 16;

  private static final double LEAST_SQUARES = 0x1p-900;
  private static final double SHRINK = 0x1p-600;
  private static final double GROW = 0x1p600;

  /** How often the sums of f64 are taken: around a better centre, and scaled. */
  private static final int ATTEMPTS = 3;

  private final BatchNormShape shape;
  private final Storage x;
  private final @Nullable Weights weights;
  private final double eps;
  private final double count;
  private final boolean isNarrow;
  private final OrderedSums sums;
  private final Pieces pieces;

  JavaStatistics(ForwardArguments a, ChannelRows rows) {
    shape = a.shape;
    x = a.x;
    weights = a.weights;
    eps = a.eps;
    count = JavaMoments.count(shape, weights);
    isNarrow = JavaMoments.isNarrow(shape);
    pieces = new Pieces(rows, weights);
    sums = new OrderedSums(rows, pieces, !isNarrow, 2);
  }

  /** Sums around a shift: of squares, moments, and whether the shift was a poor one. */
  private record Attempt(double shift, double squares, JavaMoments moments, boolean poor) {}

  /** Returns the statistics of the channels up to {@code end}. */
  JavaMoments[] of(int channel, int end) {
    double[] shifts = new double[end - channel];
    for (int c = channel; c < end && !isNarrow; c++) {
      shifts[c - channel] = probe(c, 1);
    }
    Attempt[] attempts = attempts(channel, shifts, 1);
    JavaMoments[] found = new JavaMoments[shifts.length];
    for (int i = 0; i < found.length; i++) {
      Attempt first = attempts[i];
      if (!isNarrow) {
        found[i] = inRange(channel + i, first);
      } else {
        found[i] = (first.poor ? attempt(channel + i, first.moments.mean(), 1) : first).moments;
      }
    }
    return found;
  }

  private JavaMoments inRange(int c, Attempt first) {
    double scale = 1;
    double shift = first.shift;
    Attempt now = first;
    for (int attempt = 0; ; attempt++) {
      boolean isLast = attempt + 1 == ATTEMPTS;
      double next = isLast || scale != 1 || !(count > 0) ? scale : scaleFor(now.squares);
      if (next != scale) {
        shift = attempt == 0 ? probe(c, next) : shift * next;
        scale = next;
      } else if (!isLast && now.poor && (attempt == 0 || scale != 1)) {
        shift = now.moments.mean();
      } else {
        return scale == 1 ? now.moments : now.moments.plainest();
      }
      now = attempt(c, shift, scale);
    }
  }

  private double scaleFor(double squares) {
    if (!(squares <= JavaMoments.MOST_VAR)) {
      return SHRINK;
    }
    return squares < LEAST_SQUARES && eps < LEAST_SQUARES ? GROW : 1;
  }

  private Attempt attempt(int c, double shift, double scale) {
    return attempts(c, new double[] {shift}, scale)[0];
  }

  private Attempt[] attempts(int channel, double[] shifts, double scale) {
    double[][] found =
        sums.of(
            channel, channel + shifts.length, (c, terms) -> put(shifts[c - channel], scale, terms));
    Attempt[] attempts = new Attempt[shifts.length];
    for (int i = 0; i < attempts.length; i++) {
      attempts[i] = attempt(found[i][0], found[i][1], shifts[i], scale);
    }
    return attempts;
  }

  private Attempt attempt(double s1, double s2, double shift, double scale) {
    // An infinity makes the whole channel NaN, its mean too.
    double delta = Double.isInfinite(s1) ? Double.NaN : s1 / count;
    double m2 = s2 - s1 * delta;
    double mean = shift + delta;
    double part = mean - shift;
    double low = isNarrow ? 0 : (shift - (mean - part)) + (delta - part);
    boolean poor = delta * delta * count > (isNarrow ? JavaMoments.FAR : 1) * m2;
    JavaMoments moments = new JavaMoments(mean, low, m2 < 0 ? 0 : m2 / count, scale);
    return new Attempt(shift, s2, moments, poor);
  }

  /** Puts w d and w d d. */
  private void put(double shift, double scale, double[][] terms) {
    int n = pieces.count();
    double[] first = terms[0];
    double[] second = terms[1];
    pieces.widened(x, first);
    if (weights == null) {
      for (int i = 0; i < n; i++) {
        double d = first[i] * scale - shift;
        first[i] = d;
        second[i] = d * d;
      }
      return;
    }
    double[] ofWeights = pieces.weights();
    for (int i = 0; i < n; i++) {
      double w = ofWeights[i];
      double d = w > 0 ? first[i] * scale - shift : 0;
      first[i] = w * d;
      second[i] = w * d * d;
    }
  }

  /** The mean of up to 16 elements evenly spread; with weights the first element that counts. */
  private double probe(int c, double scale) {
    long m = shape.m();
    int first = 0;
    while (first < m && weights != null && !(weights.get(first) > 0)) {
      first++;
    }
    if (first == m) {
      return 0;
    }
    double origin = x.get(shape.offset(c, first)) * scale;
    if (weights != null) {
      return origin;
    }
    int probes = (int) Math.min(m, PROBES);
    double sum = 0;
    for (int i = 1; i < probes; i++) {
      sum += x.get(shape.offset(c, (int) (i * m / probes))) * scale - origin;
    }
    return origin + sum / probes;
  }
}
