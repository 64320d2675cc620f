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
  /** Squared standard deviations between mean and centre, past which narrow sums lose too much. */
  static final double FAR = 65536;

  private static final double LEAST_VAR = 0x1p-1000;
  static final double MOST_VAR = 0x1p1000;

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
  JavaMoments plainest() {
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

  /** Returns the elements of a channel, or the sum of their weights. */
  static double count(BatchNormShape shape, @Nullable Weights weights) {
    return weights == null ? shape.m() : weights.total();
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
}
