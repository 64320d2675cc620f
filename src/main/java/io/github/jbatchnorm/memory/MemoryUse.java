package io.github.jbatchnorm.memory;

/**
 * The off-heap memory of all storages at one moment.
 *
 * @param limit the most bytes that may be held: the property {@code jbatchnorm.maxMemory}, such as
 *     512m or 2g; half of the machine's memory by default
 * @param held bytes taken from the system
 * @param inUse bytes of them that storages have; the rest waits to be used again
 * @param storages how many these are
 * @param allocations how often memory was taken from the system so far
 * @param reuses how often it came from what waited
 * @param collections how often the heap was collected to find storages that were dropped
 */
public record MemoryUse(
    long limit,
    long held,
    long inUse,
    int storages,
    long allocations,
    long reuses,
    long collections) {
  /** {@return the counts of this moment} */
  public static MemoryUse now() {
    return MemoryPool.shared().use();
  }

  /** {@return how much is held by what, in one line} */
  public static String describe() {
    return MemoryPool.shared().describe();
  }
}
