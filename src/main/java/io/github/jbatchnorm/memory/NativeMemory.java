package io.github.jbatchnorm.memory;

import java.lang.ref.Reference;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * The memory of storages as this library's own kernels reach it. Unlike {@link Storage#bytes} these
 * do not keep memory from being used again: whoever holds a view keeps its storage reachable and
 * open.
 */
public final class NativeMemory {
  private NativeMemory() {}

  /** A native function of two addresses. */
  @FunctionalInterface
  public interface Call {
    /** Calls it. */
    int run(long from, long to);
  }

  /** Returns what a call gives for the addresses of two storages, held until it returns. */
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: native calls never throw
  public static int call(Call call, Storage from, Storage to) {
    Block source = from.memory().block();
    Block target = to.memory().block();
    int result = call.run(from.address(source), to.address(target));
    Reference.reachabilityFence(source);
    Reference.reachabilityFence(target);
    return result;
  }

  /** Returns all floats of a storage's memory with element {@code index} at the position; f32. */
  public static FloatBuffer floats(Storage storage, int index) {
    return storage.floatsFrom(index);
  }

  /** Returns all doubles of a storage's memory with element {@code index} at the position; f64. */
  public static DoubleBuffer doubles(Storage storage, int index) {
    return storage.doublesFrom(index);
  }

  /** Returns the bits of all elements; f32. */
  public static IntBuffer bits(Storage storage) {
    return storage.bits();
  }
}
