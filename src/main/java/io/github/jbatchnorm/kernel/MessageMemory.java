package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.util.EnumMap;

/**
 * What a thread's messages to other ranks, and theirs to it, are in: as much as its largest took,
 * kept for the next. Memory that a transport has seen is never given to another use, so fresh
 * memory for each would cost the system's time for each of its pages.
 */
final class MessageMemory {
  /** What it is for; each has its own. */
  enum Use {
    OWN_TERMS,
    ALL_TERMS,
    COUNTS,
    LENGTHS,
    STATE,
    OWN_SUMS,
    ALL_SUMS
  }

  private static final ThreadLocal<EnumMap<Use, Storage>> KEPT =
      ThreadLocal.withInitial(() -> new EnumMap<>(Use.class));

  private MessageMemory() {}

  /** Returns so many numbers of 8 bytes, of undefined content, until the next call for this use. */
  static Storage of(Use use, int numbers) {
    EnumMap<Use, Storage> kept = KEPT.get();
    Storage storage = kept.get(use);
    if (storage == null || storage.length() < numbers) {
      storage = MemoryScope.outside(() -> Storage.uninitialized(DType.F64, Math.max(1, numbers)));
      kept.put(use, storage);
    }
    return storage.slice(0, Math.max(1, numbers));
  }
}
