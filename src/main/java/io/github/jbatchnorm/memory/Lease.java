package io.github.jbatchnorm.memory;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** One use of a block: ends when its memory is dropped or closed. Its pool is the lock. */
final class Lease extends PhantomReference<Object> {
  final Block block;
  final int kind;
  final String user;

  /** Whether views were handed out, which may outlive the memory. */
  boolean exposed;

  private final MemoryPool pool;

  // Places in a ring of Leases; null once this has ended.
  @Nullable Lease before;
  @Nullable Lease after;

  /** A lease of no block, where a ring begins and ends. */
  Lease(MemoryPool pool) {
    super(pool, null);
    this.pool = pool;
    this.block = new Block(ByteBuffer.allocate(0));
    this.kind = 0;
    this.user = "";
    this.before = this;
    this.after = this;
  }

  /** A lease that ends when {@code memory} is dropped: it is then found in the queue. */
  Lease(
      MemoryPool pool,
      ReferenceQueue<Object> queue,
      Memory memory,
      Block block,
      int kind,
      String user) {
    super(memory, queue);
    this.pool = pool;
    this.block = block;
    this.kind = kind;
    this.user = user;
  }

  int bytes() {
    return block.bytes.capacity();
  }

  void expose() {
    synchronized (pool) {
      exposed = true;
    }
  }

  void end() {
    pool.end(this);
  }
}
