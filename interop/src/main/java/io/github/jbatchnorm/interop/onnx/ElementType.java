package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.io.Stored;
import org.jspecify.annotations.Nullable;

/** ONNX's numbers of the types of elements. */
final class ElementType {
  private ElementType() {}

  static int of(Stored.Type type) {
    return switch (type) {
      case F32 -> 1;
      case U8 -> 2;
      case I8 -> 3;
      case U16 -> 4;
      case I16 -> 5;
      case I32 -> 6;
      case I64 -> 7;
      case BOOL -> 9;
      case F16 -> 10;
      case F64 -> 11;
      case U32 -> 12;
      case U64 -> 13;
      case BF16 -> 16;
    };
  }

  static int of(DType dtype) {
    return of(Stored.Type.valueOf(dtype.name()));
  }

  /** Returns the type of a number, or null for texts, complex numbers and the like. */
  static Stored.@Nullable Type type(long number) {
    for (Stored.Type type : Stored.Type.values()) {
      if (of(type) == number) {
        return type;
      }
    }
    return null;
  }

  /** Returns the dtype of a number, or null where there are no tensors of it. */
  static @Nullable DType dtype(long number) {
    Stored.Type type = type(number);
    for (DType dtype : DType.values()) {
      if (type != null && dtype.name().equals(type.name())) {
        return dtype;
      }
    }
    return null;
  }
}
