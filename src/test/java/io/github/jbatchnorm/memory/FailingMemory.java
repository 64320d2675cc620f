package io.github.jbatchnorm.memory;

/** Off-heap memory of which one allocation fails, as if the system had no more. */
public final class FailingMemory implements AutoCloseable {
  private final int failing;
  private int asked;

  /** Has the allocation of a number fail, from now on and on any thread; 0 for none. */
  public FailingMemory(int failing) {
    this.failing = failing;
    MemoryPool.shared().refuse(bytes -> next());
  }

  private synchronized boolean next() {
    return ++asked == failing;
  }

  /** Returns how often memory was asked for. */
  public synchronized int asked() {
    return asked;
  }

  @Override
  public void close() {
    MemoryPool.shared().refuse(bytes -> false);
  }
}
