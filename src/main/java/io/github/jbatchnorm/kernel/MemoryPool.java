package io.github.jbatchnorm.kernel;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap memory by size: blocks that storages lease and give back, so that fresh pages are rare.
 *
 * <p>The heap knows nothing of what lies outside it, so it is collected from here: when more would
 * be held than a threshold. That moves up where much is alive, and, up to a quarter of the limit,
 * where collecting took more than a twentieth of the time. Nothing is held past the limit.
 */
final class MemoryPool {
  /** The pool of every storage. */
  static final MemoryPool SHARED = new MemoryPool(MemoryLimit.bytes());

  private static final long FIRST_THRESHOLD = 256L << 20;

  /** The share of the limit that garbage may take for the sake of speed. */
  private static final int SHARE = 4;

  private static final int SMALLEST = 64;
  private static final int CLASSES = 96;

  /** How long the collector's findings are waited for: for the first of them, and between two. */
  private static final int FIRST_WAIT_MILLIS = 100;

  private static final int NEXT_WAIT_MILLIS = 2;

  private final long limit;
  private final ReferenceQueue<Object> dropped = new ReferenceQueue<>();
  private final Lease ring = new Lease(this); // the leases that run, around this one
  private final List<ArrayDeque<Block>> free = new ArrayList<>();
  private final Set<Page> pages = new HashSet<>();
  private long threshold;
  private long held;
  private long inUse;
  private long fresh;
  private long reused;
  private long collected;
  private long lastCollected = System.nanoTime();

  MemoryPool(long limit) {
    this.limit = limit;
    this.threshold = Math.min(limit, FIRST_THRESHOLD);
    for (int i = 0; i < CLASSES; i++) {
      free.add(new ArrayDeque<>());
    }
  }

  /** One use of a block: ends when its memory is dropped or closed. */
  static final class Lease extends PhantomReference<Object> {
    private final MemoryPool pool;
    private final Block block;
    private final int kind;
    private final String user;
    private @Nullable Lease before;
    private @Nullable Lease after;
    private boolean exposed;

    private Lease(MemoryPool pool) {
      super(pool, null);
      this.pool = pool;
      this.block = new Block(ByteBuffer.allocate(0));
      this.kind = 0;
      this.user = "";
      this.before = this;
      this.after = this;
    }

    private Lease(MemoryPool pool, Memory memory, Block block, int kind, String user) {
      super(memory, pool.dropped);
      this.pool = pool;
      this.block = block;
      this.kind = kind;
      this.user = user;
      this.before = pool.ring;
      this.after = pool.ring.after;
      before.after = this;
      after.before = this;
      pool.inUse += bytes();
    }

    private int bytes() {
      return block.bytes.capacity();
    }

    void expose() {
      synchronized (pool) {
        exposed = true;
      }
    }

    void end() {
      synchronized (pool) {
        if (after == null) {
          return;
        }
        before.after = after;
        after.before = before;
        before = null;
        after = null;
        pool.inUse -= bytes();
        if (!exposed) {
          pool.free.get(kind).push(block);
        }
      }
    }
  }

  /** Memory of the system's: given back when no one refers to a view of it any more. */
  private static final class Page extends PhantomReference<Object> {
    private final Pointer memory;
    private final int size;

    Page(Block.Root root, int size, ReferenceQueue<Object> queue) {
      super(root.bytes(), queue);
      this.memory = root.memory();
      this.size = size;
    }
  }

  /** Returns the class of sizes that holds so many bytes: four to an octave. */
  static int kind(int bytes) {
    int units = (Math.max(bytes, SMALLEST) - 1) / SMALLEST; // one less than needed
    if (units < 4) {
      return units;
    }
    int octave = 31 - Integer.numberOfLeadingZeros(units);
    return 4 * (octave - 1) + ((units >> (octave - 2)) & 3);
  }

  /** Returns the bytes of the largest size of a class; more than an int can hold for the last. */
  static long capacity(int kind) {
    if (kind < 4) {
      return (kind + 1L) * SMALLEST;
    }
    int octave = kind / 4 + 1;
    return ((4L + kind % 4 + 1) << (octave - 2)) * SMALLEST;
  }

  /**
   * Leases memory of undefined content.
   *
   * @throws MemoryLimitException if so much is in use that it does not fit
   */
  Memory lease(int bytes, String user) {
    int kind = kind(bytes);
    int capacity = (int) Math.min(capacity(kind), Integer.MAX_VALUE - Block.ALIGNMENT);
    synchronized (this) {
      drain();
      Block block = block(kind, capacity, bytes);
      Memory memory = new Memory(block);
      memory.leased(new Lease(this, memory, block, kind, user));
      return memory;
    }
  }

  private Block block(int kind, int capacity, int bytes) {
    Block block = free.get(kind).poll();
    if (block == null && held + capacity > threshold) {
      collect();
      block = free.get(kind).poll();
      grow(Math.min(limit / SHARE, threshold + threshold / 4));
      grow(inUse + inUse / 2);
      if (block == null && held + capacity > threshold) {
        forget(); // other sizes have what there is
      }
    }
    if (block != null) {
      reused++;
      return block;
    }
    if (held + capacity > limit) {
      throw new MemoryLimitException(
          "%s asked for: %s".formatted(MemoryLimit.text(bytes), describe()));
    }
    Block.Root root = Block.Root.allocate(capacity);
    if (root == null) {
      throw new MemoryLimitException(
          "%s asked for, and the system has no more: %s"
              .formatted(MemoryLimit.text(bytes), describe()));
    }
    fresh++;
    held += capacity;
    pages.add(new Page(root, capacity, dropped));
    return root.block(capacity);
  }

  /** Takes back what was found to be dropped. */
  private void drain() {
    for (Reference<?> found = dropped.poll(); found != null; found = dropped.poll()) {
      take(found);
    }
  }

  private void take(Reference<?> found) {
    if (found instanceof Lease lease) {
      lease.end();
    } else if (found instanceof Page page) {
      pages.remove(page);
      held -= page.size;
      Pointer.free(page.memory);
    }
  }

  /** Has the heap collected, and takes back what that finds. */
  private void collect() {
    long start = System.nanoTime();
    System.gc();
    try {
      Reference<?> found = dropped.remove(FIRST_WAIT_MILLIS);
      while (found != null) {
        take(found);
        found = dropped.remove(NEXT_WAIT_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // whatever was found is taken; the rest comes later
    }
    long end = System.nanoTime();
    collected++;
    if ((end - start) * 20 > start - lastCollected) {
      grow(Math.min(limit / SHARE, 2 * threshold));
    }
    lastCollected = end;
  }

  private void grow(long wanted) {
    threshold = Math.min(limit, Math.max(threshold, wanted));
  }

  /** Gives every free block back to the system. */
  private void forget() {
    free.forEach(ArrayDeque::clear);
    collect();
  }

  /** Returns the counts of this moment. */
  synchronized MemoryUse use() {
    drain();
    int storages = 0;
    for (Lease lease = ring.after; lease != ring; lease = lease.after) {
      storages++;
    }
    return new MemoryUse(limit, held, inUse, storages, fresh, reused, collected);
  }

  /** Returns what is held by what, the largest first. */
  synchronized String describe() {
    Map<String, long[]> users = new HashMap<>();
    for (Lease lease = ring.after; lease != ring; lease = lease.after) {
      long[] sums = users.computeIfAbsent(lease.user, user -> new long[2]);
      sums[0] += lease.bytes();
      sums[1]++;
    }
    List<String> largest = new ArrayList<>(users.keySet());
    largest.sort(Collections.reverseOrder(Comparator.comparing(user -> users.get(user)[0])));
    StringBuilder text =
        new StringBuilder(
            "%s held of %s (%s), %s of it in use"
                .formatted(
                    MemoryLimit.text(held),
                    MemoryLimit.text(limit),
                    MemoryLimit.PROPERTY,
                    MemoryLimit.text(inUse)));
    for (String user : largest.subList(0, Math.min(8, largest.size()))) {
      long[] sums = users.get(user);
      text.append(", %s by %d of %s".formatted(MemoryLimit.text(sums[0]), sums[1], user));
    }
    return text.toString();
  }
}
