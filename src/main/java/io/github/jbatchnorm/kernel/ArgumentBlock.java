package io.github.jbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The memory of the C ABI's argument structs, whose fields are all of 8 bytes: filled field by
 * field in their order. Each thread has one, so that a call allocates nothing.
 */
final class ArgumentBlock {
  private static final int FIELDS = 160;
  private static final int MOST_USED = 16;
  private static final ThreadLocal<ArgumentBlock> OWN = ThreadLocal.withInitial(ArgumentBlock::new);

  private final @Nullable Block[] used = new Block[MOST_USED];
  private int usedCount;
  private final LongBuffer fields;
  private final long address;
  private int next;

  private ArgumentBlock() {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(FIELDS * Long.BYTES).order(ByteOrder.nativeOrder());
    fields = memory.asLongBuffer();
    address = new Pointer(memory).address();
  }

  /** Returns the thread's block, begun with the fields that all structs share. */
  static ArgumentBlock of(BatchNormShape shape, int exec) {
    return empty()
        .put(0) // the struct's size: see structure
        .put(shape.dtype().code)
        .put(shape.layout().code)
        .put(shape.n())
        .put(shape.c())
        .put(shape.s())
        .put(exec);
  }

  /** Returns the thread's block without fields. */
  static ArgumentBlock empty() {
    ArgumentBlock block = OWN.get();
    block.next = 0;
    block.done();
    return block;
  }

  ArgumentBlock integer(long value) {
    return put(value);
  }

  ArgumentBlock integers(int... values) {
    for (int value : values) {
      put(value);
    }
    return this;
  }

  /** Puts the address of an element of a storage, whose block is kept until {@link #done}. */
  ArgumentBlock address(Storage storage, int element) {
    Block block = storage.memory().block();
    used[usedCount++] = block;
    return put(storage.address(block) + (long) element * storage.dtype().bytes());
  }

  ArgumentBlock flag(boolean value) {
    return put(value ? 1 : 0);
  }

  ArgumentBlock number(double value) {
    return put(Double.doubleToRawLongBits(value));
  }

  /** Puts the address of a storage, whose block is kept until {@link #done}; 0 for none. */
  ArgumentBlock storage(@Nullable Storage storage) {
    return storage == null ? put(0) : address(storage, 0);
  }

  /** Lets go of the blocks, after the call. */
  void done() {
    Arrays.fill(used, 0, usedCount, null);
    usedCount = 0;
  }

  private ArgumentBlock put(long value) {
    fields.put(next++, value);
    return this;
  }

  long address() {
    return address;
  }

  /** Returns the address of a struct that is complete, once its first field holds its size. */
  long structure() {
    fields.put(0, (long) next * Long.BYTES);
    return address;
  }
}
