package io.github.jbatchnorm.memory;

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
public final class ArgumentBlock {
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

  /** Returns the thread's block without fields. */
  public static ArgumentBlock empty() {
    ArgumentBlock block = OWN.get();
    block.next = 0;
    block.done();
    return block;
  }

  public ArgumentBlock integer(long value) {
    return put(value);
  }

  /** Puts the C ABI's number of a dtype. */
  public ArgumentBlock dtype(DType dtype) {
    return put(dtype.code);
  }

  public ArgumentBlock integers(int... values) {
    for (int value : values) {
      put(value);
    }
    return this;
  }

  /** Puts the address of an element of a storage, whose block is kept until {@link #done}. */
  public ArgumentBlock address(Storage storage, int element) {
    Block block = storage.memory().block();
    used[usedCount++] = block;
    return put(storage.address(block) + (long) element * storage.dtype().bytes());
  }

  public ArgumentBlock flag(boolean value) {
    return put(value ? 1 : 0);
  }

  public ArgumentBlock number(double value) {
    return put(Double.doubleToRawLongBits(value));
  }

  /** Puts the address of a storage, whose block is kept until {@link #done}; 0 for none. */
  public ArgumentBlock storage(@Nullable Storage storage) {
    return storage == null ? put(0) : address(storage, 0);
  }

  /** Lets go of the blocks, after the call. */
  public void done() {
    Arrays.fill(used, 0, usedCount, null);
    usedCount = 0;
  }

  private ArgumentBlock put(long value) {
    fields.put(next++, value);
    return this;
  }

  public long address() {
    return address;
  }

  /** Returns the address of a struct that is complete, once its first field holds its size. */
  public long structure() {
    fields.put(0, (long) next * Long.BYTES);
    return address;
  }
}
