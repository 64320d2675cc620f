package io.github.jbatchnorm.memory;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The open leases of a pool, in a ring: each leaves it at once, without a search or a hash. */
final class Leases {
  private static final int MOST_NAMED = 8;

  private final Lease ring;
  private long bytes;

  Leases(MemoryPool pool) {
    ring = new Lease(pool);
  }

  void add(Lease lease) {
    lease.before = ring;
    lease.after = ring.after;
    lease.before.after = lease;
    lease.after.before = lease;
    bytes += lease.bytes();
  }

  /** Takes one out, and returns whether it was in. */
  boolean remove(Lease lease) {
    if (lease.after == null) {
      return false;
    }
    lease.before.after = lease.after;
    lease.after.before = lease.before;
    lease.before = null;
    lease.after = null;
    bytes -= lease.bytes();
    return true;
  }

  /** Returns the sum of all bytes. */
  long bytes() {
    return bytes;
  }

  int count() {
    int count = 0;
    for (Lease lease = ring.after; lease != ring; lease = lease.after) {
      count++;
    }
    return count;
  }

  /** Returns who has how much, the largest first: {@code , 4 MB by 2 of Dense, ...}. */
  String users() {
    Map<String, long[]> users = new HashMap<>();
    for (Lease lease = ring.after; lease != ring; lease = lease.after) {
      long[] sums = users.computeIfAbsent(lease.user, user -> new long[2]);
      sums[0] += lease.bytes();
      sums[1]++;
    }
    List<String> largest = new ArrayList<>(users.keySet());
    largest.sort(Collections.reverseOrder(Comparator.comparing(user -> users.get(user)[0])));
    StringBuilder text = new StringBuilder();
    for (String user : largest.subList(0, Math.min(MOST_NAMED, largest.size()))) {
      long[] sums = users.get(user);
      text.append(", %s by %s of %s".formatted(MemoryLimit.text(sums[0]), sums[1], user));
    }
    return text.toString();
  }
}
