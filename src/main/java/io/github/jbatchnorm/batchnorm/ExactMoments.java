package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.kernel.Moments;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Mean and variance of each channel of data that come in parts: sum(x) and sum(x^2) without any
 * rounding, so that they are the same bits however the data were cut, in whatever order and
 * grouping the parts were added and merged. {@link Moments} are faster, and depend on the order in
 * their last digits.
 *
 * <p>A channel with NaN has NaN for mean and variance; one with infinities has a variance of NaN,
 * and a mean of infinity, or NaN where they are of both signs. Changes in place; for one thread at
 * a time.
 */
public final class ExactMoments {
  private static final int FORMAT = 1;
  private static final int HEADER = 2 * Byte.BYTES + Integer.BYTES + Long.BYTES;

  /** How many elements are read at a time. */
  private static final int PIECE = 4096;

  private final DType dtype;
  private final ExactTerms[] terms;
  private long count;

  private ExactMoments(DType dtype, int channels) {
    this.dtype = dtype;
    this.terms = new ExactTerms[channels];
    for (int c = 0; c < channels; c++) {
      terms[c] = new ExactTerms(dtype);
    }
  }

  /**
   * {@return the moments of no elements} They take 250 bytes a channel, 1.6 KB for f64.
   *
   * @param dtype of the data that will be added; 16 bits count as f32
   * @param channels C
   * @throws IllegalArgumentException if channels is negative
   */
  public static ExactMoments none(DType dtype, int channels) {
    Objects.requireNonNull(dtype, "dtype");
    if (channels < 0) {
      throw new IllegalArgumentException("channels: expected 0 or more, got " + channels);
    }
    return new ExactMoments(dtype.parameters(), channels);
  }

  /**
   * Adds the elements of x.
   *
   * @param x batch, shape (N, C, ...), or (N, ..., C) with {@link Layout#NHWC}
   * @param layout where the channels are
   * @return this
   * @throws IllegalArgumentException if x has other channels, or is f64 where f32 was said
   */
  public ExactMoments add(Tensor x, Layout layout) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(layout, "layout");
    BatchNormShape shape = BatchNormInputs.shape(x, x.dtype(), layout);
    if (shape.c() != terms.length || x.dtype().parameters() != dtype) {
      throw new IllegalArgumentException(
          "x: expected %s channels of %s, got %s of %s"
              .formatted(terms.length, dtype, shape.c(), x.dtype()));
    }
    int run = layout == Layout.NHWC ? 1 : shape.s(); // neighbours of one channel
    if (dtype == DType.F64) {
      addWide(x.storage(), run);
    } else {
      addNarrow(x.storage(), run);
    }
    count = Math.addExact(count, shape.m());
    return this;
  }

  private void addNarrow(Storage x, int run) {
    float[] piece = new float[Math.min(PIECE, x.length())];
    int channel = 0;
    int left = run;
    for (int from = 0; from < x.length(); from += piece.length) {
      int length = Math.min(piece.length, x.length() - from);
      x.read(from, 1, piece, length);
      for (int i = 0; i < length; i++) {
        terms[channel].add(piece[i]);
        if (--left == 0) {
          left = run;
          channel = channel + 1 < terms.length ? channel + 1 : 0;
        }
      }
    }
  }

  private void addWide(Storage x, int run) {
    double[] piece = new double[Math.min(PIECE, x.length())];
    int channel = 0;
    int left = run;
    for (int from = 0; from < x.length(); from += piece.length) {
      int length = Math.min(piece.length, x.length() - from);
      x.read(from, 1, piece, length);
      for (int i = 0; i < length; i++) {
        terms[channel].add(piece[i]);
        if (--left == 0) {
          left = run;
          channel = channel + 1 < terms.length ? channel + 1 : 0;
        }
      }
    }
  }

  private void carry() {
    for (ExactTerms channel : terms) {
      channel.carry();
    }
  }

  /**
   * Adds what another has; it stays as it is.
   *
   * @param other moments of other data, of as many channels and the same dtype
   * @return this
   * @throws IllegalArgumentException if it has other channels or another dtype
   */
  public ExactMoments merge(ExactMoments other) {
    Objects.requireNonNull(other, "other");
    if (other.terms.length != terms.length || other.dtype != dtype) {
      throw new IllegalArgumentException(
          "other: expected %s channels of %s, got %s of %s"
              .formatted(terms.length, dtype, other.terms.length, other.dtype));
    }
    carry();
    other.carry();
    for (int c = 0; c < terms.length; c++) {
      terms[c].merge(other.terms[c]);
    }
    count = Math.addExact(count, other.count);
    return this;
  }

  /** {@return the number of channels} */
  public int channels() {
    return terms.length;
  }

  /** {@return the dtype of the data, f32 or f64} */
  public DType dtype() {
    return dtype;
  }

  /** {@return the number of elements of a channel} */
  public long count() {
    return count;
  }

  /**
   * {@return the mean of each channel, rounded once; NaN where there are no elements}
   *
   * @param to the dtype that it is rounded to, f32 or f64
   * @throws IllegalArgumentException if it is neither
   */
  public double[] mean(DType to) {
    Objects.requireNonNull(to, "to");
    return each(to, c -> terms[c].mean(count, to), 1);
  }

  /**
   * {@return the biased variance of each channel, sum((x - mean)^2) / M, rounded once; NaN where
   * there are no elements}
   *
   * @param to the dtype that it is rounded to, f32 or f64
   * @throws IllegalArgumentException if it is neither
   */
  public double[] var(DType to) {
    Objects.requireNonNull(to, "to");
    return each(to, c -> terms[c].var(count, count, to), 1);
  }

  /**
   * {@return the unbiased variance of each channel, sum((x - mean)^2) / (M - 1), rounded once; NaN
   * where M is at most 1}
   *
   * @param to the dtype that it is rounded to, f32 or f64
   * @throws IllegalArgumentException if it is neither
   */
  public double[] unbiasedVar(DType to) {
    Objects.requireNonNull(to, "to");
    return each(to, c -> terms[c].var(count, count - 1, to), 2);
  }

  private double[] each(DType to, IntToDoubleFunction value, int least) {
    if (to != to.parameters()) {
      throw new IllegalArgumentException("to: expected F32 or F64, got " + to);
    }
    carry();
    return IntStream.range(0, terms.length)
        .mapToDouble(c -> count < least ? Double.NaN : value.applyAsDouble(c))
        .toArray();
  }

  /** {@return all of it, for {@link #of(byte[])}; the same bytes for the same data} */
  public byte[] toBytes() {
    carry();
    ByteBuffer bytes = ByteBuffer.allocate(HEADER + terms.length * ExactTerms.bytes(dtype));
    bytes.put((byte) FORMAT).put((byte) (dtype == DType.F64 ? 1 : 0));
    bytes.putInt(terms.length).putLong(count);
    for (ExactTerms channel : terms) {
      channel.write(bytes);
    }
    return bytes.array();
  }

  /**
   * {@return what {@link #toBytes} gave}
   *
   * @param bytes of another one, perhaps on another machine
   * @throws IllegalArgumentException if they are not
   */
  public static ExactMoments of(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    try {
      byte format = buffer.get();
      DType dtype = buffer.get() == 0 ? DType.F32 : DType.F64;
      int channels = buffer.getInt();
      long count = buffer.getLong();
      if (format != FORMAT
          || count < 0
          || channels < 0
          || buffer.remaining() != (long) channels * ExactTerms.bytes(dtype)) {
        throw new IllegalArgumentException("bytes: expected those of exact moments");
      }
      ExactMoments moments = new ExactMoments(dtype, channels);
      for (ExactTerms channel : moments.terms) {
        channel.read(buffer);
      }
      moments.count = count;
      return moments;
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("bytes: expected those of exact moments", e);
    }
  }
}
