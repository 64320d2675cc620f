package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.jni.Abi;
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
    /** From so many bytes on, pages of the size that large ones have. */
    private static final int LARGE = 4 << 20;

    private static final int LARGE_PAGE = 2 << 20;

    private static int alignment(int size) {
      return size < LARGE ? ALIGNMENT : LARGE_PAGE;
    }

    /** Returns memory, or null where the system has no more. */
    static @Nullable Root allocate(int size) {
      long whole = Math.min((long) size + alignment(size) - 1, Integer.MAX_VALUE);
      Pointer memory = Pointer.malloc(whole);
      if (memory == null || memory.isNull()) {
        return null;
      }
      return new Root(memory, new BytePointer(memory).capacity(whole).asByteBuffer());
    }

    /** Returns the aligned part; it keeps {@link #bytes} reachable, as every view of it does. */
    Block block(int size) {
      int alignment = bytes.capacity() - size < LARGE_PAGE - 1 ? ALIGNMENT : LARGE_PAGE;
      int start = bytes.alignmentOffset(0, alignment);
      int skip = start == 0 ? 0 : alignment - start;
      Block block = new Block(bytes.slice(skip, size).order(ByteOrder.nativeOrder()));
      if (alignment == LARGE_PAGE && LargePages.AVAILABLE) {
        Abi.jbn_prefer_large_pages(block.address(), size);
      }
      return block;
    }
  }

  /** Whether large pages can be asked for: through the native library, where it is in use. */
  private static final class LargePages {
    static final boolean AVAILABLE = Kernels.current() instanceof NativeKernel;
  }
}
