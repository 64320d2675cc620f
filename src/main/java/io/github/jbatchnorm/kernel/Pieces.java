package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a channel's row, in arrays on the heap: read from storages, written to others. One
 * piece at a time, which {@link #at} chooses.
 */
final class Pieces {
  /** Storages that one call reads. */
  private static final int MOST = 4;

  private final ChannelRows rows;
  private final @Nullable Weights weights;
  private final float[][] floats = new float[MOST][];
  private final double[][] doubles = new double[MOST][];
  private final double[] ofWeights;
  private int start;
  private int count;

  Pieces(ChannelRows rows, @Nullable Weights weights) {
    this.rows = rows;
    this.weights = weights;
    ofWeights = new double[weights == null ? 0 : rows.segment()];
  }

  /** Goes to {@code count} elements of a row, from {@code at} on. */
  void at(int channel, int row, int at, int number) {
    start = rows.start(channel, row, at);
    count = number;
    if (weights != null) {
      weights.values().read(rows.position(row, at), rows.positionStep(), ofWeights, number);
    }
  }

  /** Goes to each piece of the channels up to {@code end}, and has the channel's visited there. */
  void each(int channel, int end, IntConsumer visit) {
    rows.chunks(
        (sum, block, row, rowEnd, from, to) -> {
          for (int r = row; r < rowEnd; r++) {
            for (int c = channel; c < end; c++) {
              at(c, r, from, to - from);
              visit.accept(c);
            }
          }
        });
  }

  int count() {
    return count;
  }

  /** Returns the weights of the elements; there are some. */
  double[] weights() {
    return ofWeights;
  }

  /** Returns the elements of a storage of 32 or 16 bits in array {@code number}. */
  float[] floats(int number, Storage from) {
    float[] into = floats[number];
    if (into == null) {
      into = new float[rows.segment()];
      floats[number] = into;
    }
    from.read(start, rows.step(), into, count);
    return into;
  }

  /** Puts the elements of a storage into an array, widened: narrow ones all together first. */
  void widened(Storage from, double[] into) {
    if (from.dtype() == DType.F64) {
      from.read(start, rows.step(), into, count);
      return;
    }
    float[] narrow = floats(0, from);
    for (int i = 0; i < count; i++) {
      into[i] = narrow[i];
    }
  }

  /** Returns the elements of a storage, widened, in array {@code number}. */
  double[] doubles(int number, Storage from) {
    double[] into = doubles[number];
    if (into == null) {
      into = new double[rows.segment()];
      doubles[number] = into;
    }
    from.read(start, rows.step(), into, count);
    return into;
  }

  /** Writes the values of elements that count, and 0 for the others, to a storage. */
  void write(float[] values, Storage to) {
    for (int i = 0; i < count && weights != null; i++) {
      values[i] = ofWeights[i] > 0 ? values[i] : 0;
    }
    to.write(start, rows.step(), values, count);
  }

  /** As {@link #write(float[], Storage)}, rounded to the storage's dtype. */
  void write(double[] values, Storage to) {
    for (int i = 0; i < count && weights != null; i++) {
      values[i] = ofWeights[i] > 0 ? values[i] : 0;
    }
    to.write(start, rows.step(), values, count);
  }
}
