package io.github.jbatchnorm.memory;

/** Elements of a dtype in a block of memory, one or many, to doubles and back. */
final class Elements {
  /** Elements converted at a time: small enough for the first-level cache. */
  private static final int CHUNK = 1024;

  private static final byte[] ZEROS = new byte[1 << 14];

  private Elements() {}

  /** Sets so many bytes to 0. */
  static void clear(Block block, int bytes) {
    for (int at = 0; at < bytes; at += ZEROS.length) {
      block.bytes.put(at, ZEROS, 0, Math.min(ZEROS.length, bytes - at));
    }
  }

  static double get(DType dtype, Block block, int at) {
    return switch (dtype) {
      case F32 -> block.floats.get(at);
      case F64 -> block.doubles.get(at);
      case BF16, F16 -> Halves.widen(block.shorts.get(at), dtype);
    };
  }

  /** Rounds to the nearest, ties to even. */
  static void set(DType dtype, Block block, int at, double value) {
    switch (dtype) {
      case F32 -> block.floats.put(at, (float) value);
      case F64 -> block.doubles.put(at, value);
      case BF16, F16 -> block.shorts.put(at, Halves.narrow(value, dtype));
    }
  }

  /** Reads {@code count} elements from {@code first} on into {@code into} at {@code at}. */
  static void read(DType dtype, Block block, int first, double[] into, int at, int count) {
    switch (dtype) {
      case F32 -> readFloats(block, first, into, at, count);
      case F64 -> block.doubles.get(first, into, at, count);
      case BF16, F16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Halves.widen(block.shorts.get(first + i), dtype);
        }
      }
    }
  }

  private static void readFloats(Block block, int first, double[] into, int at, int count) {
    float[] part = new float[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += part.length) {
      int n = Math.min(part.length, count - done);
      block.floats.get(first + done, part, 0, n);
      for (int i = 0; i < n; i++) {
        into[at + done + i] = part[i];
      }
    }
  }

  /** Writes {@code count} of the values from {@code at} on to {@code first}, rounding as set. */
  static void write(DType dtype, Block block, int first, double[] values, int at, int count) {
    switch (dtype) {
      case F32 -> writeFloats(block, first, values, at, count);
      case F64 -> block.doubles.put(first, values, at, count);
      case BF16, F16 -> {
        for (int i = 0; i < count; i++) {
          block.shorts.put(first + i, Halves.narrow(values[at + i], dtype));
        }
      }
    }
  }

  private static void writeFloats(Block block, int first, double[] values, int at, int count) {
    float[] part = new float[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += part.length) {
      int n = Math.min(part.length, count - done);
      for (int i = 0; i < n; i++) {
        part[i] = (float) values[at + done + i];
      }
      block.floats.put(first + done, part, 0, n);
    }
  }
}
