package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Storage;
import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tensors as the entries of files, and back. */
public final class StoredTensors {
  private StoredTensors() {}

  /** Returns a copy of a tensor as a file's entry. */
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
   * Returns a variable with a copy of an entry.
   *
   * @throws IllegalArgumentException if the entry holds integers
   */
  public static Tensor tensor(Stored stored) {
    DType dtype =
        switch (stored.type()) {
          case F32 -> DType.F32;
          case F64 -> DType.F64;
          case BF16 -> DType.BF16;
          case F16 -> DType.F16;
          case I64 ->
              throw new IllegalArgumentException(
                  "stored: expected floating-point elements, got " + stored);
        };
    long length = stored.bytes().remaining() / dtype.bytes();
    Storage storage = Storage.allocate(dtype, length);
    copy(stored, storage);
    return Tensor.variable(storage, stored.shape());
  }

  /** Copies an entry's elements to memory of its type and length. */
  static void copy(Stored from, Storage to) {
    switch (to.dtype()) {
      case F32 -> to.floats().put(from.bytes().asFloatBuffer());
      case F64 -> to.doubles().put(from.bytes().asDoubleBuffer());
      case BF16, F16 -> to.bytes().asShortBuffer().put(from.bytes().asShortBuffer());
    }
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
