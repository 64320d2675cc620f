package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Isa;
import io.github.jbatchnorm.platform.NativeLibrary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Calls of the native operations on arrays beside the Java ones, on every ISA and 1 and 3 threads.
 */
abstract class SameArrays {
  private static final double[] SPECIAL = {
    0, -0.0, 1, -1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e-40, 3e38
  };

  final SplittableRandom random = new SplittableRandom(7);
  final ArrayKernel java = new JavaArrays();

  static List<ArrayKernel> natives() {
    List<ArrayKernel> kernels = new ArrayList<>();
    for (Isa isa : Isa.values()) {
      if (NativeLibrary.has(isa)) {
        kernels.add(new NativeArrays(1, isa));
        kernels.add(new NativeArrays(3, isa));
      }
    }
    return kernels;
  }

  Storage random(DType dtype, int length) {
    Storage storage = Storage.allocate(dtype, length);
    for (int i = 0; i < length; i++) {
      boolean special = random.nextInt(8) == 0;
      storage.set(i, special ? SPECIAL[random.nextInt(SPECIAL.length)] : random.nextDouble(-3, 3));
    }
    return storage;
  }

  Storage finite(DType dtype, int length) {
    Storage storage = Storage.allocate(dtype, length);
    for (int i = 0; i < length; i++) {
      storage.set(i, random.nextDouble(-3, 3));
    }
    return storage;
  }

  static Storage copy(Storage storage) {
    Storage copied = Storage.allocate(storage.dtype(), storage.length());
    copied.copyFrom(storage);
    return copied;
  }

  /** Bits, with one NaN for all: which one an operation gives is the processor's choice. */
  static long[] bits(Storage storage) {
    long[] bits = new long[storage.length()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Double.doubleToLongBits(storage.get(i));
    }
    return bits;
  }

  /** A call that writes one storage. */
  @FunctionalInterface
  interface Call {
    void run(ArrayKernel kernel, Storage result);
  }

  void same(int length, DType dtype, Call call) {
    Storage expected = Storage.allocate(dtype, length);
    call.run(java, expected);
    for (ArrayKernel kernel : natives()) {
      Storage result = Storage.allocate(dtype, length);
      call.run(kernel, result);
      assertThat(bits(result)).isEqualTo(bits(expected));
    }
  }

  static int size(int... shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }
}
