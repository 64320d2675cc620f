package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;

/**
 * Reads a tensor's elements in the row-major order of another shape, with any strides: broadcast
 * (stride 0) or transposed. In sequence, a chunk at a time.
 */
final class StridedReader {
  private final Storage storage;
  private final Runs runs;
  private final double[] scratch;
  private final int base;
  private int done;

  /** Makes a reader that begins with element {@code from} of the shape. */
  StridedReader(Strided view, int from, int... shape) {
    this.storage = view.storage;
    this.base = view.from;
    this.runs = new Runs(shape, view.strides);
    runs.seek(from);
    this.done = base + from;
    this.scratch = runs.isRowMajor() ? new double[0] : new double[JavaArrays.CHUNK];
  }

  /** Reads the next {@code count} elements, at most {@link JavaArrays#CHUNK}, into {@code into}. */
  void next(double[] into, int count) {
    if (runs.isRowMajor()) {
      storage.read(done, into, 0, count);
      done += count;
      return;
    }
    for (int at = 0; at < count; ) {
      int part = Math.min(count - at, runs.left());
      read(into, at, part);
      at += part;
      runs.advance(part);
    }
  }

  private void read(double[] into, int at, int count) {
    int offset = base + runs.offset();
    int stride = runs.stride();
    if (stride == 0) {
      Arrays.fill(into, at, at + count, storage.get(offset));
    } else if (stride == 1) {
      storage.read(offset, scratch, 0, count);
      System.arraycopy(scratch, 0, into, at, count);
    } else {
      for (int i = 0; i < count; i++) {
        into[at + i] = storage.get(offset + i * stride);
      }
    }
  }
}
