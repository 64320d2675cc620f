package io.github.jbatchnorm.memory;

import io.github.jbatchnorm.platform.Settings;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap memory by size: blocks that storages lease and give back, so that fresh pages are rare.
 *
 * <p>The heap knows nothing of what lies outside it, so it is collected from here: when more would
 * be held than a threshold, which is half as much again as what was in use at the last collection,
 * or the garbage that is allowed, if that is more. This is 256 MB at first, and doubles, up to a
 * quarter of the limit, where a collection took more than a twentieth of the time since the one
 * before. Nothing is held past the limit, which is asked for when a little is.
 *
 * <p>One thread collects at a time, without the lock, so that others go on with what waits.
 */
final class MemoryPool {
  private static final long FIRST_GARBAGE = 256L << 20;

  /** Held without asking for the limit, which takes long where it is the machine's memory. */
  private static final long LITTLE = 16L << 20;

  private static final long UNKNOWN = -1;

  /** The share of the limit that garbage may take for the sake of speed. */
  private static final int SHARE = 4;

  private static final int MOST_TRIES = 8;

  private static @Nullable volatile MemoryPool shared;

  private final LongSupplier limitSource;
  private final LongSupplier clock;
  private final ReferenceQueue<Object> dropped = new ReferenceQueue<>();
  private final HeapCollector collector = new HeapCollector(dropped, this::take, this::mayBeLate);

  private final Leases leases = new Leases(this);
  private final List<ArrayDeque<Block>> free = new ArrayList<>();
  private final Set<Page> pages = new HashSet<>();
  private volatile IntPredicate refused = bytes -> false;
  private long knownLimit = UNKNOWN;
  private long garbage = LITTLE;
  private long threshold = LITTLE;
  private long held;
  private long fresh;
  private long reused;
  private long collected;
  private long lastCollected;
  private boolean heapIsCollected = true;

  MemoryPool(long limit) {
    this(limit, System::nanoTime);
  }

  /** Makes a pool that takes its time from a clock of nanoseconds. */
  MemoryPool(long limit, LongSupplier clock) {
    this(() -> limit, clock);
    limit();
  }

  /** Makes a pool that asks for its limit once it holds more than 16 MB. */
  MemoryPool(LongSupplier limitSource, LongSupplier clock) {
    this.limitSource = limitSource;
    this.clock = clock;
    this.lastCollected = clock.getAsLong();
    for (int i = 0; i < SizeClass.COUNT; i++) {
      free.add(new ArrayDeque<>());
    }
  }

  /**
   * Returns the pool of every storage.
   *
   * @throws IllegalArgumentException if the property of the limit is no size
   */
  static MemoryPool shared() {
    MemoryPool pool = shared;
    return pool == null ? make() : pool;
  }

  private static synchronized MemoryPool make() {
    MemoryPool pool = shared;
    if (pool == null) {
      Long wanted = Settings.wantedMemory();
      pool =
          wanted != null
              ? new MemoryPool(wanted)
              : new MemoryPool(Settings::maxMemory, System::nanoTime);
      shared = pool;
    }
    return pool;
  }

  private synchronized long limit() {
    if (knownLimit == UNKNOWN) {
      knownLimit = limitSource.getAsLong();
      garbage = Math.min(knownLimit, FIRST_GARBAGE);
      threshold = garbage;
    }
    return knownLimit;
  }

  /** Has leases refused as if the system had no more: for tests of what becomes of the rest. */
  void refuse(IntPredicate which) {
    refused = which;
  }

  /** Memory of the system's: given back when no one refers to a view of it any more. */
  private static final class Page extends PhantomReference<Object> {
    private final @Nullable Runnable free;
    private final int size;

    Page(Block.Root root, int size, ReferenceQueue<Object> queue) {
      super(root.bytes(), queue);
      this.free = root.free();
      this.size = size;
    }
  }

  /**
   * Leases memory of undefined content.
   *
   * @throws MemoryLimitException if so much is in use that it does not fit
   */
  Memory lease(int bytes, String user) {
    int kind = SizeClass.of(bytes);
    int capacity = (int) Math.min(SizeClass.capacity(kind), Integer.MAX_VALUE - Block.ALIGNMENT);
    if (refused.test(bytes)) {
      throw refusal(bytes, capacity);
    }
    Block block = take(kind, capacity, false);
    long before = -1;
    for (int tries = 0; ; tries++) {
      synchronized (this) {
        if (block != null) {
          Memory memory = Memory.pooled(block);
          Lease lease = new Lease(this, dropped, memory, block, kind, user);
          leases.add(lease);
          memory.leased(lease);
          return memory;
        }
        // Again where other threads took what was found, or gave back meanwhile.
        boolean changed = before != fresh + reused || leases.bytes() + capacity <= limit();
        if (tries == MOST_TRIES || !changed) {
          throw refusal(bytes, capacity);
        }
        before = fresh + reused;
      }
      block = afterCollection(kind, capacity);
    }
  }

  /** Ends a lease, once: its block waits for the next, unless views of it may be about. */
  synchronized void end(Lease lease) {
    if (leases.remove(lease) && !lease.exposed) {
      free.get(lease.kind).push(lease.block);
    }
  }

  private @Nullable Block afterCollection(int kind, int capacity) {
    collect(true);
    Block block = take(kind, capacity, false);
    if (block == null) {
      forget(); // other sizes have what there is
      collect(false);
      block = take(kind, capacity, true);
    }
    return block;
  }

  private MemoryLimitException refusal(int bytes, int capacity) {
    String why = held + capacity > limit() ? "" : ", and the system has no more";
    String hint =
        heapIsCollected
            ? ""
            : "; System.gc() finds nothing that was dropped, as with -XX:+DisableExplicitGC: use"
                + " MemoryScope";
    return new MemoryLimitException(
        "%s asked for%s: %s%s".formatted(MemoryLimit.text(bytes), why, describe(), hint));
  }

  /** Returns a block that waits, or else a fresh one if so much may be held, or null. */
  private synchronized @Nullable Block take(int kind, int capacity, boolean upToLimit) {
    drain();
    Block block = free.get(kind).poll();
    if (block != null) {
      reused++;
      return block;
    }
    if (held + capacity > LITTLE) {
      limit();
    }
    if (held + capacity > (upToLimit ? limit() : threshold)) {
      return null;
    }
    Block.Root root = Block.Root.allocate(capacity);
    if (root == null) {
      return null;
    }
    fresh++;
    held += capacity;
    pages.add(new Page(root, capacity, dropped));
    return root.block(capacity);
  }

  /** Takes back what was found to be dropped. */
  private synchronized void drain() {
    for (Reference<?> found = dropped.poll(); found != null; found = dropped.poll()) {
      take(found);
    }
  }

  private synchronized void take(@Nullable Reference<?> found) {
    if (found instanceof Lease lease) {
      lease.end();
    } else if (found instanceof Page page) {
      pages.remove(page);
      held -= page.size;
      if (page.free != null) {
        page.free.run();
      }
    } else if (found instanceof HeapCollector.Sentinel sentinel) {
      sentinel.find();
    }
  }

  /**
   * Has the heap collected, and takes back what that finds, or waits for another thread that does.
   *
   * @param judged whether the time that it takes counts
   */
  private void collect(boolean judged) {
    if (!collector.begins()) {
      return;
    }
    long start = clock.getAsLong();
    boolean found = false;
    try {
      found = collector.collect();
    } finally {
      ended(start, judged, found);
      collector.ends();
    }
  }

  /** Whether so much is in use that some of what was dropped may be still to be found. */
  private synchronized boolean mayBeLate() {
    return leases.bytes() > threshold / 2;
  }

  private synchronized void ended(long start, boolean judged, boolean found) {
    long end = clock.getAsLong();
    if (judged && (end - start) * 20 > start - lastCollected) {
      garbage = Math.max(garbage, Math.min(limit() / SHARE, 2 * garbage));
    }
    threshold = Math.min(limit(), Math.max(garbage, leases.bytes() + leases.bytes() / 2));
    if (held > 2 * threshold) {
      forget(); // what a peak has left
    }
    lastCollected = end;
    collected++;
    heapIsCollected = found;
  }

  /** Gives every free block back to the system, once it was found that no one refers to them. */
  private synchronized void forget() {
    free.forEach(ArrayDeque::clear);
  }

  /** Returns the counts of this moment. */
  synchronized MemoryUse use() {
    drain();
    return new MemoryUse(limit(), held, leases.bytes(), leases.count(), fresh, reused, collected);
  }

  /** Returns what is held by what, the largest first. */
  synchronized String describe() {
    return "%s held of %s (%s), %s of it in use%s"
        .formatted(
            MemoryLimit.text(held),
            MemoryLimit.text(limit()),
            Settings.MAX_MEMORY,
            MemoryLimit.text(leases.bytes()),
            leases.users());
  }
}
