package io.github.jbatchnorm.kernel;

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

  /** Returns the native address of byte 0; valid as long as this is reachable. */
  long address() {
    if (address == 0) {
      address = new Pointer(bytes).address();
    }
    return address;
  }

  /** Memory from the system: not the JVM's, which has a limit of its own. */
  record Root(Pointer memory, ByteBuffer bytes) {
    /** Returns memory, or null where the system has no more. */
    static @Nullable Root allocate(int size) {
      Pointer memory = Pointer.malloc((long) size + ALIGNMENT - 1);
      if (memory == null || memory.isNull()) {
        return null;
      }
      ByteBuffer whole = new BytePointer(memory).capacity(size + ALIGNMENT - 1L).asByteBuffer();
      return new Root(memory, whole);
    }

    /** Returns the aligned part; it keeps {@link #bytes} reachable, as every view of it does. */
    Block block(int size) {
      int start = bytes.alignmentOffset(0, ALIGNMENT);
      int skip = start == 0 ? 0 : ALIGNMENT - start;
      return new Block(bytes.slice(skip, size).order(ByteOrder.nativeOrder()));
    }
  }
}
