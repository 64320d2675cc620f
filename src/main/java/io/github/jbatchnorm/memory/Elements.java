package io.github.jbatchnorm.memory;

/** Elements of a dtype in a block of memory, one or many, to doubles and back. */
final class Elements {
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

  /** Reads {@code count} elements, every {@code step} from {@code first} on. */
  static void read(
      DType dtype, Block block, int first, int step, double[] into, int at, int count) {
    switch (dtype) {
      case F32 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = block.floats.get(first + i * step);
        }
      }
      case F64 -> {
        if (step == 1) {
          block.doubles.get(first, into, at, count);
        } else {
          for (int i = 0; i < count; i++) {
            into[at + i] = block.doubles.get(first + i * step);
          }
        }
      }
      case BF16, F16 -> {
        short[] bits = bits(block, first, step, count);
        for (int i = 0; i < count; i++) {
          into[at + i] = Halves.widen(bits[i], dtype);
        }
      }
    }
  }

  /** As {@link #read}, of elements that floats hold. */
  static void readNarrow(DType dtype, Block block, int first, int step, float[] into, int count) {
    if (dtype == DType.F32 && step == 1) {
      block.floats.get(first, into, 0, count);
    } else if (dtype == DType.F32) {
      for (int i = 0; i < count; i++) {
        into[i] = block.floats.get(first + i * step);
      }
    } else {
      Halves.widen(dtype, bits(block, first, step, count), into, count);
    }
  }

  private static short[] bits(Block block, int first, int step, int count) {
    short[] bits = new short[count];
    if (step == 1) {
      block.shorts.get(first, bits, 0, count);
    } else {
      for (int i = 0; i < count; i++) {
        bits[i] = block.shorts.get(first + i * step);
      }
    }
    return bits;
  }

  private static void put(short[] bits, Block block, int first, int step) {
    if (step == 1) {
      block.shorts.put(first, bits);
    } else {
      for (int i = 0; i < bits.length; i++) {
        block.shorts.put(first + i * step, bits[i]);
      }
    }
  }

  /** Writes {@code count} of the values to every {@code step} from {@code first} on. */
  static void write(
      DType dtype, Block block, int first, int step, double[] values, int at, int count) {
    switch (dtype) {
      case F32 -> {
        for (int i = 0; i < count; i++) {
          block.floats.put(first + i * step, (float) values[at + i]);
        }
      }
      case F64 -> {
        if (step == 1) {
          block.doubles.put(first, values, at, count);
        } else {
          for (int i = 0; i < count; i++) {
            block.doubles.put(first + i * step, values[at + i]);
          }
        }
      }
      case BF16, F16 -> {
        short[] bits = new short[count];
        for (int i = 0; i < count; i++) {
          bits[i] = Halves.narrow(values[at + i], dtype);
        }
        put(bits, block, first, step);
      }
    }
  }

  /** As {@link #write}, to elements that floats hold. */
  static void writeNarrow(
      DType dtype, Block block, int first, int step, float[] values, int count) {
    if (dtype == DType.F32 && step == 1) {
      block.floats.put(first, values, 0, count);
    } else if (dtype == DType.F32) {
      for (int i = 0; i < count; i++) {
        block.floats.put(first + i * step, values[i]);
      }
    } else {
      short[] bits = new short[count];
      Halves.narrow(dtype, values, bits, count);
      put(bits, block, first, step);
    }
  }
}
