package io.github.jbatchnorm.memory;

/**
 * More memory was asked for than {@code jbatchnorm.maxMemory} leaves. The message says how much is
 * held by what. Nothing is lost: what is dropped or closed makes room.
 */
public final class MemoryLimitException extends RuntimeException {
  private static final long serialVersionUID = 1;

  MemoryLimitException(String message) {
    super(message);
  }
}
