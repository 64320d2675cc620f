package io.github.jbatchnorm.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * A call of this library's native code: the memory of its arguments, a struct whose fields are all
 * of 8 bytes, filled field by field in their order. Each thread has one, so that a call allocates
 * nothing. Whoever makes a call checks its arguments before; nothing here does.
 */
public final class NativeCall {
  private static final int FIELDS = 160;
  private static final int MOST_USED = 24;
  private static final ThreadLocal<NativeCall> OWN = ThreadLocal.withInitial(NativeCall::new);

  private final @Nullable Block[] used = new Block[MOST_USED];
  private int usedCount;
  private final LongBuffer fields;
  private final long address;
  private int next;

  private NativeCall() {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(FIELDS * Long.BYTES).order(ByteOrder.nativeOrder());
    fields = memory.asLongBuffer();
    address = new Pointer(memory).address();
  }

  /** {@return the thread's own, without arguments yet} */
  public static NativeCall begin() {
    NativeCall call = OWN.get();
    call.next = 0;
    call.end();
    return call;
  }

  /**
   * Puts a number, sizes and codes alike.
   *
   * @param value the argument
   * @return this, for the next argument
   */
  public NativeCall integer(long value) {
    return put(value);
  }

  /**
   * Puts the C ABI's number of a dtype.
   *
   * @param dtype the type of the elements
   * @return this, for the next argument
   */
  public NativeCall dtype(DType dtype) {
    return put(dtype.code);
  }

  /**
   * Puts several numbers.
   *
   * @param values the arguments
   * @return this, for the next argument
   */
  public NativeCall integers(int... values) {
    for (int value : values) {
      put(value);
    }
    return this;
  }

  /**
   * Puts the address of an element of a storage, whose block is kept until {@link #end}.
   *
   * @param storage the memory
   * @param element the first of its elements
   * @return this, for the next argument
   */
  public NativeCall address(Storage storage, int element) {
    Block block = storage.memory().block();
    used[usedCount++] = block;
    long first = (long) storage.from() + element;
    return put(block.address() + first * storage.dtype().bytes());
  }

  /**
   * Puts 1 or 0.
   *
   * @param value the argument
   * @return this, for the next argument
   */
  public NativeCall flag(boolean value) {
    return put(value ? 1 : 0);
  }

  /**
   * Puts a number with a fraction.
   *
   * @param value the argument
   * @return this, for the next argument
   */
  public NativeCall number(double value) {
    return put(Double.doubleToRawLongBits(value));
  }

  /**
   * Puts the address of a storage, whose block is kept until {@link #end}; 0 for none.
   *
   * @param storage the memory
   * @return this, for the next argument
   */
  public NativeCall storage(@Nullable Storage storage) {
    return storage == null ? put(0) : address(storage, 0);
  }

  /** Ends the call: lets go of the blocks. */
  public void end() {
    Arrays.fill(used, 0, usedCount, null);
    usedCount = 0;
  }

  private NativeCall put(long value) {
    fields.put(next++, value);
    return this;
  }

  /** {@return the address of the first field} */
  public long address() {
    return address;
  }

  /** {@return the address of a struct that is complete, once its first field holds its size} */
  public long structure() {
    fields.put(0, (long) next * Long.BYTES);
    return address;
  }

  /** {@return how many fields there are: where a second struct begins} */
  public int fields() {
    return next;
  }

  /**
   * {@return the address of a struct behind others, which is complete, once its first field holds
   * its size}
   *
   * @param from its first field
   */
  public long structure(int from) {
    fields.put(from, (long) (next - from) * Long.BYTES);
    return address + (long) from * Long.BYTES;
  }

  /**
   * {@return a field that was put: an address, say, for functions that take no struct}
   *
   * @param index which element, from 0
   */
  public long field(int index) {
    return fields.get(index);
  }

  /**
   * {@return all floats of a storage's memory with element {@code index} at the position; f32}
   * Unlike {@link Storage#floats} it lets the memory be used again while it is held: keep the
   * storage reachable and open.
   *
   * @param storage the memory
   * @param index which element, from 0
   */
  public static FloatBuffer floats(Storage storage, int index) {
    return storage.memory().block().floats.duplicate().position(storage.from() + index);
  }

  /**
   * As {@link #floats}, of f64.
   *
   * @param storage the memory
   * @param index which element, from 0
   * @return a view of the memory
   */
  public static DoubleBuffer doubles(Storage storage, int index) {
    return storage.memory().block().doubles.duplicate().position(storage.from() + index);
  }

  /**
   * As {@link #floats}, of the bits of a storage's elements alone.
   *
   * @param storage the memory
   * @return a view of the memory
   */
  public static IntBuffer bits(Storage storage) {
    int width = storage.dtype().bytes();
    ByteBuffer bytes = storage.memory().block().bytes;
    return bytes
        .slice(storage.from() * width, storage.length() * width)
        .order(ByteOrder.nativeOrder())
        .asIntBuffer();
  }
}
