package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.util.EnumMap;
import org.jspecify.annotations.Nullable;

/**
 * What a thread's messages to other ranks, and theirs to it, are in: as much as its largest took,
 * kept for the next. Memory that a transport has seen is never given to another use, so fresh
 * memory for each would cost the system's time for each of its pages.
 */
final class MessageMemory implements AutoCloseable {
  /** What it is for; each has its own. */
  enum Use {
    OWN_TERMS,
    ALL_TERMS,
    COUNTS,
    LENGTHS,
    STATE,
    OWN_SUMS,
    ALL_SUMS,
    ALL_VALUES
  }

  private static final ThreadLocal<@Nullable MessageMemory> SPARE = new ThreadLocal<>();

  private final EnumMap<Use, Storage> kept = new EnumMap<>(Use.class);

  private MessageMemory() {}

  /**
   * Takes the thread's, until it is closed; another where it is taken, as by a transport that has
   * messages of its own.
   */
  static MessageMemory take() {
    MessageMemory spare = SPARE.get();
    SPARE.remove();
    return spare == null ? new MessageMemory() : spare;
  }

  /** Returns so many numbers of 8 bytes, of undefined content, until the next call for this use. */
  Storage of(Use use, int numbers) {
    int least = Math.max(1, numbers);
    Storage storage = kept.get(use);
    if (storage == null || storage.length() < least) {
      storage = MemoryScope.outside(() -> Storage.uninitialized(DType.F64, least));
      kept.put(use, storage);
    }
    return storage.slice(0, least);
  }

  @Override
  public void close() {
    SPARE.set(this);
  }
}
