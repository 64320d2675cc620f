package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The memory that a storage and its slices share. Leased from a {@link MemoryPool}, it goes back
 * there when the last of them is dropped, or at once when it is closed; a user's own buffer is not
 * leased.
 */
final class Memory {
  private final Block block;
  private MemoryPool.@Nullable Lease lease;

  /** Scopes of this depth and deeper ones leave this as it is when they close. */
  private int keptFrom = Integer.MAX_VALUE;

  private boolean closed;

  Memory(Block block) {
    this.block = block;
  }

  void leased(MemoryPool.Lease from) {
    lease = from;
  }

  /**
   * Returns the block.
   *
   * @throws IllegalStateException once closed
   */
  Block block() {
    if (closed) {
      throw new IllegalStateException(
          "this memory was given back when its MemoryScope closed; scope.keep(...) keeps it");
    }
    return block;
  }

  /** Notes that scopes of a depth, and those inside of them, keep this. */
  void keep(int depth) {
    keptFrom = Math.min(keptFrom, depth);
  }

  boolean isKept(int depth) {
    return keptFrom <= depth;
  }

  /** Says that views were handed out, which may outlive this: the block is not used again. */
  void expose() {
    if (lease != null) {
      lease.expose();
    }
  }

  /**
   * Gives the memory back; later use throws. The block stays reachable from here, so that a call
   * which another thread made too late meets other values, not unmapped memory.
   */
  void close() {
    if (!closed && lease != null) {
      closed = true;
      lease.end();
    }
  }
}
