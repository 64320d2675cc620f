package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.MessageMemory.Use;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Sums over ranks by what every {@link Communicator} has: each rank gathers all, and adds up. */
final class Sums {
  /** Elements of all ranks that go round at a time. */
  private static final int MOST = 1 << 17;

  private Sums() {}

  static void check(Storage values) {
    if (values.dtype() != DType.F32 && values.dtype() != DType.F64) {
      throw new IllegalArgumentException("values: expected F32 or F64, got " + values.dtype());
    }
  }

  static void gathered(Communicator ranks, Storage values) {
    int bytes = values.dtype().bytes();
    int[] lengths = new int[ranks.size()];
    int most = Math.max(1, MOST / lengths.length);
    try (MessageMemory memory = MessageMemory.take()) {
      for (int from = 0; from < values.length(); from += most) {
        Storage part = values.slice(from, Math.min(most, values.length() - from));
        Arrays.fill(lengths, part.length() * bytes);
        int total = Math.multiplyExact(lengths.length, part.length() * bytes);
        ByteBuffer all = memory.of(Use.ALL_VALUES, (total + 7) / Double.BYTES).bytes().limit(total);
        ranks.allGather(part.bytes(), lengths, all.duplicate());
        add(Storage.wrap(part.dtype(), all), part);
      }
    }
  }

  /** Adds up what ranks have said, one after the other in {@code all}. */
  private static void add(Storage all, Storage sums) {
    int length = sums.length();
    for (int i = 0; i < length; i++) {
      double sum = all.get(i);
      for (int at = length + i; at < all.length(); at += length) {
        sum += all.get(at);
      }
      sums.set(i, sum);
    }
  }
}
