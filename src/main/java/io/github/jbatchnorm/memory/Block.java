package io.github.jbatchnorm.memory;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.platform.NativeLibrary;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** Off-heap bytes with a view for each type of element. Whoever may touch them refers to this. */
final class Block {
  static final int ALIGNMENT = 64;

  final ByteBuffer bytes;
  final FloatBuffer floats;
  final DoubleBuffer doubles;
  final ShortBuffer shorts;

  /** The native address of byte 0, found at its first use; 0 before. */
  private long address;

  /** Makes a block over a direct buffer in native byte order, from its beginning on. */
  Block(ByteBuffer bytes) {
    this.bytes = bytes;
    this.floats = bytes.asFloatBuffer();
    this.doubles = bytes.asDoubleBuffer();
    this.shorts = bytes.asShortBuffer();
  }

  /**
   * Reads a byte, as only a read notices that the arena of a MemorySegment was closed.
   *
   * @throws IllegalStateException if it was
   */
  void checkArena() {
    if (bytes.capacity() > 0) {
      bytes.get(0);
    }
  }

  /** Returns the native address of byte 0; valid as long as this is reachable. */
  long address() {
    if (address == 0) {
      address = new Pointer(bytes).address();
    }
    return address;
  }

  /**
   * Memory from the system: where native code is in use not the JVM's direct memory, which has a
   * limit of its own (-XX:MaxDirectMemorySize).
   *
   * @param free gives it back; null where it goes back when no one refers to {@code bytes}
   */
  record Root(ByteBuffer bytes, @Nullable Runnable free) {
    /**
     * From so many bytes on, whole pages, which go back to the system as soon as they are freed.
     */
    private static final int MAPPED = 256 << 10;

    /** Returns memory, or null where the system has no more. */
    static @Nullable Root allocate(int size) {
      int whole = (int) Math.min((long) size + ALIGNMENT - 1, Integer.MAX_VALUE);
      if (NativeLibrary.isUsed()) {
        return size >= MAPPED ? Native.mapped(size) : Native.allocated(whole);
      }
      try {
        return new Root(ByteBuffer.allocateDirect(whole), null);
      } catch (OutOfMemoryError e) {
        return null; // the pool waits for garbage, and then says how much there is
      }
    }

    /** Returns the aligned part; it keeps {@link #bytes} reachable, as every view of it does. */
    Block block(int size) {
      int start = bytes.alignmentOffset(0, ALIGNMENT);
      int skip = start == 0 ? 0 : ALIGNMENT - start;
      return new Block(bytes.slice(skip, size).order(ByteOrder.nativeOrder()));
    }
  }

  /** Memory by native code: a class of its own, so that nothing is loaded without it. */
  private static final class Native {
    /** The memory at an address. */
    private static final class At extends Pointer {
      At(long address) {
        this.address = address;
      }
    }

    static @Nullable Root mapped(int size) {
      long address = Abi.jbn_map(size);
      return address == 0
          ? null
          : root(new At(address), size, () -> Abi.jbn_unmap(address, (long) size));
    }

    static @Nullable Root allocated(int size) {
      Pointer memory = Pointer.malloc(size);
      return memory == null || memory.isNull()
          ? null
          : root(memory, size, () -> Pointer.free(memory));
    }

    private static Root root(Pointer memory, long size, Runnable free) {
      return new Root(new BytePointer(memory).capacity(size).asByteBuffer(), free);
    }
  }
}
