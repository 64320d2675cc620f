package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tensors as the entries of files, and back. */
public final class StoredTensors {
  private StoredTensors() {}

  /**
   * {@return a copy of a tensor as a file's entry}
   *
   * @param tensor the tensor
   */
  public static Stored of(Tensor tensor) {
    Storage storage = tensor.storage();
    ByteBuffer bytes =
        ByteBuffer.allocate(storage.length() * storage.dtype().bytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    switch (storage.dtype()) {
      case F32 -> bytes.asFloatBuffer().put(storage.floats());
      case F64 -> bytes.asDoubleBuffer().put(storage.doubles());
      case BF16, F16 -> bytes.asShortBuffer().put(storage.bytes().asShortBuffer());
    }
    return new Stored(type(storage.dtype()), tensor.shape(), bytes);
  }

  /**
   * {@return a tensor with a copy of an entry: a variable of its dtype, or for integers and
   * booleans (0 and 1) a constant of f64, as integers take part in operations; those of 64 bits are
   * rounded to it, as NumPy's {@code astype}}
   *
   * @param stored what a file has
   */
  public static Tensor tensor(Stored stored) {
    int length = stored.bytes().remaining() / stored.type().bytes();
    if (stored.type().isInteger() || stored.type() == Stored.Type.BOOL) {
      Storage numbers = Storage.allocate(DType.F64, length);
      for (int i = 0; i < length; i++) {
        long value = integer(stored, i);
        boolean past = stored.type() == Stored.Type.U64 && value < 0;
        // Half of it, with the lost bit kept for the rounding.
        numbers.set(i, past ? 2.0 * ((value >>> 1) | (value & 1)) : value);
      }
      return Tensor.constant(numbers, stored.shape());
    }
    return Tensor.variable(raw(stored, length), stored.shape());
  }

  /** Copies an entry's floating-point elements to memory of its length, rounded to its dtype. */
  static void copy(Stored from, Storage to) {
    if (from.type() == type(to.dtype())) {
      copyBits(from, to);
      return;
    }
    Storage same = raw(from, to.length());
    for (int i = 0; i < to.length(); i++) {
      to.set(i, same.get(i));
    }
  }

  private static Storage raw(Stored stored, int length) {
    DType dtype = DType.valueOf(stored.type().name());
    Storage storage = Storage.allocate(dtype, length);
    copyBits(stored, storage);
    return storage;
  }

  private static void copyBits(Stored from, Storage to) {
    switch (to.dtype()) {
      case F32 -> to.floats().put(from.bytes().asFloatBuffer());
      case F64 -> to.doubles().put(from.bytes().asDoubleBuffer());
      case BF16, F16 -> to.bytes().asShortBuffer().put(from.bytes().asShortBuffer());
    }
  }

  /** Returns an element of an entry of integers or booleans; of u64 its 64 bits. */
  static long integer(Stored stored, int index) {
    ByteBuffer bytes = stored.bytes();
    int at = index * stored.type().bytes();
    return switch (stored.type()) {
      case BOOL -> bytes.get(at) == 0 ? 0 : 1;
      case I8 -> bytes.get(at);
      case U8 -> Byte.toUnsignedLong(bytes.get(at));
      case I16 -> bytes.getShort(at);
      case U16 -> Short.toUnsignedLong(bytes.getShort(at));
      case I32 -> bytes.getInt(at);
      case U32 -> Integer.toUnsignedLong(bytes.getInt(at));
      case I64, U64 -> bytes.getLong(at);
      case F32, F64, BF16, F16 ->
          throw new IllegalArgumentException("stored: expected integers, got " + stored);
    };
  }

  static Stored.Type type(DType dtype) {
    return switch (dtype) {
      case F32 -> Stored.Type.F32;
      case F64 -> Stored.Type.F64;
      case BF16 -> Stored.Type.BF16;
      case F16 -> Stored.Type.F16;
    };
  }
}
