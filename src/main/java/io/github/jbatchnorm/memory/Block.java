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

  /** Memory from the system: not the JVM's, which has a limit of its own. */
  record Root(Source source, ByteBuffer bytes) {
    /**
     * From so many bytes on, whole pages, which go back to the system as soon as they are freed.
     */
    private static final int MAPPED = 256 << 10;

    /** Where memory goes back to. */
    record Source(Pointer memory, long mapped) {
      void free() {
        if (mapped == 0) {
          Pointer.free(memory);
        } else {
          Abi.jbn_unmap(memory.address(), mapped);
        }
      }
    }

    /** The memory at an address. */
    private static final class At extends Pointer {
      At(long address) {
        this.address = address;
      }
    }

    /** Returns memory, or null where the system has no more. */
    static @Nullable Root allocate(int size) {
      if (size >= MAPPED && canMap()) {
        long address = Abi.jbn_map(size);
        return address == 0 ? null : root(new Source(new At(address), size), size);
      }
      long whole = Math.min((long) size + ALIGNMENT - 1, Integer.MAX_VALUE);
      Pointer memory = Pointer.malloc(whole);
      return memory == null || memory.isNull() ? null : root(new Source(memory, 0), whole);
    }

    private static Root root(Source source, long size) {
      return new Root(source, new BytePointer(source.memory).capacity(size).asByteBuffer());
    }

    /** Returns the aligned part; it keeps {@link #bytes} reachable, as every view of it does. */
    Block block(int size) {
      int start = bytes.alignmentOffset(0, ALIGNMENT);
      int skip = start == 0 ? 0 : ALIGNMENT - start;
      return new Block(bytes.slice(skip, size).order(ByteOrder.nativeOrder()));
    }
  }

  /** Whether pages can be asked for: through the native library, where it is in use. */
  private static boolean canMap() {
    return NativeLibrary.isUsed();
  }
}
