package io.github.jbatchnorm.memory;

import org.jspecify.annotations.Nullable;

/**
 * The memory that a storage and its slices share. Leased from a {@link MemoryPool}, it goes back
 * there when the last of them is dropped, or at once when it is closed; a user's own buffer is not
 * leased.
 */
final class Memory {
  /** Null once closed, so that whoever still holds this does not hold the block. */
  private volatile @Nullable Block block;

  private @Nullable Lease lease;

  /** Whether the memory is a user's own, so that it may end without this being closed. */
  private final boolean wrapped;

  /** Scopes of this depth and deeper ones leave this as it is when they close. */
  private int keptFrom = Integer.MAX_VALUE;

  private Memory(Block block, boolean wrapped) {
    this.block = block;
    this.wrapped = wrapped;
  }

  /** Returns memory of a pool's. */
  static Memory pooled(Block block) {
    return new Memory(block, false);
  }

  /** Returns memory of a user's. */
  static Memory wrapped(Block block) {
    return new Memory(block, true);
  }

  /** Whether others may reach the bytes of this too: two of a pool's never share any. */
  boolean isWrapped() {
    return wrapped;
  }

  void leased(Lease from) {
    lease = from;
  }

  /**
   * Returns the block. Whoever hands its address to native code keeps the block itself reachable: a
   * call on another thread that ends too late then meets other values, not unmapped memory.
   *
   * @throws IllegalStateException once closed, or if a user's arena was
   */
  Block block() {
    Block open = block;
    if (open == null) {
      throw new IllegalStateException(
          "this memory was given back when its MemoryScope closed; scope.keep(...) keeps it");
    }
    if (wrapped) {
      open.checkArena();
    }
    return open;
  }

  /** Notes that scopes of a depth, and those inside of them, keep this. */
  void keep(int depth) {
    keptFrom = Math.min(keptFrom, depth);
  }

  boolean isKept(int depth) {
    return keptFrom <= depth;
  }

  /** Notes that the scope of a depth has closed: what it alone kept, others need not. */
  void left(int depth) {
    if (keptFrom == depth) {
      keptFrom = Integer.MAX_VALUE;
    }
  }

  /**
   * Says that views were handed out, which may outlive this: the block is freed with the last of
   * them, and never leased again.
   */
  void expose() {
    Lease from = lease;
    if (from != null) {
      from.expose();
    }
  }

  /** Gives the memory back; later use throws. A user's own buffer stays as it is. */
  void close() {
    Lease from = lease;
    if (from != null) {
      lease = null;
      block = null;
      from.end();
    }
  }
}
