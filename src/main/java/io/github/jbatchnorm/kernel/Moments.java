package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;

/**
 * The statistics of each channel of some data as a value: W, the number of elements or the sum of
 * their weights, the mean, and M2 = sum(w (x - mean)^2), all in f64. Parts of the data may be
 * computed apart, on other threads or machines, and merged; the result depends on the order of the
 * merges in the last digits only, and the same order gives the same bits. Immutable.
 */
public final class Moments {
  private final double count;
  private final double[] mean;
  private final double[] m2;

  private Moments(double count, double[] mean, double[] m2) {
    this.count = count;
    this.mean = mean;
    this.m2 = m2;
  }

  /**
   * {@return the moments of no elements}
   *
   * @param channels C
   */
  public static Moments none(int channels) {
    return new Moments(0, new double[channels], new double[channels]);
  }

  /**
   * {@return given moments}
   *
   * @param count W, 0 or more
   * @param mean C means
   * @param m2 C sums of squares, 0 or more
   * @throws IllegalArgumentException if the lengths differ, or count or an m2 is negative
   */
  public static Moments of(double count, double[] mean, double[] m2) {
    if (mean.length != m2.length) {
      throw new IllegalArgumentException(
          "m2: expected %s elements (C), got %s".formatted(mean.length, m2.length));
    }
    if (!(count >= 0) || Arrays.stream(m2).anyMatch(value -> value < 0)) {
      throw new IllegalArgumentException("count, m2: expected 0 or more");
    }
    return new Moments(count, mean.clone(), m2.clone());
  }

  /**
   * Computes the moments of x in one pass.
   *
   * @param shape sizes, dtype and layout of x
   * @param x N*C*S elements
   * @return the moments
   */
  public static Moments of(BatchNormShape shape, Storage x) {
    Storage saved =
        Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
    Kernels.current()
        .forward(new ForwardArguments(shape, BatchNormOptions.DEFAULT, x).saved(saved));
    return ofSaved((double) shape.m(), shape.c(), saved);
  }

  /**
   * {@return the moments that a forward call saved over W = {@code count}}
   *
   * @param count elements a channel
   * @param channels C
   * @param saved a forward call's statistics
   * @throws IllegalArgumentException if saved has other than 4*C f64 elements
   */
  public static Moments ofSaved(double count, int channels, Storage saved) {
    long expected = (long) BatchNormKernel.SAVED_PER_CHANNEL * channels;
    if (saved.length() != expected || saved.dtype() != DType.F64) {
      throw new IllegalArgumentException(
          "saved: expected %s F64 elements (4*C), got %s %s"
              .formatted(expected, saved.length(), saved.dtype()));
    }
    double[] mean = new double[channels];
    double[] m2 = new double[channels];
    for (int c = 0; c < channels && count > 0; c++) {
      double scale = saved.get(3 * channels + c);
      mean[c] = (saved.get(c) + saved.get(channels + c)) / scale;
      m2[c] = saved.get(2 * channels + c) / scale / scale * count;
    }
    return new Moments(count, mean, m2);
  }

  /**
   * {@return the moments of this data and the other's together (Chan, Golub and LeVeque, 1979):
   * mean + delta W2 / W and M2 + M2' + delta^2 W1 W2 / W, with delta the difference of the means}
   *
   * @param other those of other data, of as many channels
   * @throws IllegalArgumentException if the numbers of channels differ
   */
  public Moments merge(Moments other) {
    if (other.channels() != channels()) {
      throw new IllegalArgumentException(
          "other: expected %s channels, got %s".formatted(channels(), other.channels()));
    }
    if (count == 0 || other.count == 0) {
      return count == 0 ? other : this;
    }
    double total = count + other.count;
    double[] means = new double[mean.length];
    double[] squares = new double[mean.length];
    for (int c = 0; c < means.length; c++) {
      double delta = other.mean[c] - mean[c];
      means[c] = mean[c] + delta * (other.count / total);
      squares[c] = m2[c] + other.m2[c] + delta * delta * (count * (other.count / total));
    }
    return new Moments(total, means, squares);
  }

  /** {@return the number of channels} */
  public int channels() {
    return mean.length;
  }

  /** {@return W, the number of elements of a channel or the sum of their weights} */
  public double count() {
    return count;
  }

  /** {@return the mean of each channel; NaN where there are no elements} */
  public double[] mean() {
    return count == 0 ? nan() : mean.clone();
  }

  /** {@return the sum of the weighted squares of x - mean of each channel} */
  public double[] m2() {
    return m2.clone();
  }

  /** {@return the biased variance of each channel, M2 / W; NaN where there are no elements} */
  public double[] var() {
    return count == 0 ? nan() : Arrays.stream(m2).map(value -> value / count).toArray();
  }

  /** {@return the unbiased variance of each channel, M2 / (W - 1); NaN where W is at most 1} */
  public double[] unbiasedVar() {
    return count <= 1 ? nan() : Arrays.stream(m2).map(value -> value / (count - 1)).toArray();
  }

  private double[] nan() {
    double[] values = new double[mean.length];
    Arrays.fill(values, Double.NaN);
    return values;
  }

  /**
   * {@return them as a call saves them, 4*C elements: what {@link ForwardArguments#given(Storage)}
   * and {@link BackwardArguments} take}
   */
  public Storage saved() {
    Storage saved =
        Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * mean.length);
    saved.write(0, mean(), 0, mean.length);
    saved.write(2 * mean.length, var(), 0, mean.length);
    double[] ones = new double[mean.length];
    Arrays.fill(ones, 1);
    saved.write(3 * mean.length, ones, 0, mean.length);
    return saved;
  }
}
