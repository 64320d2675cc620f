package io.github.jbatchnorm.interop.onnx;

import com.google.protobuf.WireFormat;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One tensor of an ONNX file: its bytes as they are, or a list of numbers. */
final class TensorReader implements ModelReader.Fields {
  private static final int EXTERNAL = 1;

  private final ModelReader reader;
  private final List<Long> shape = new ArrayList<>();
  private long type;
  private String name = "";
  private @Nullable ByteBuffer raw;
  private final Map<String, String> external = new LinkedHashMap<>();
  private boolean isExternal;

  /** Numbers, whatever their type, as bits. */
  private long[] numbers = new long[4];

  private int count;

  TensorReader(ModelReader reader) {
    this.reader = reader;
  }

  String name() {
    return name;
  }

  @Override
  public boolean take(int field, int wire) throws IOException {
    switch (field) {
      case 1 -> integers(wire, () -> shape.add(reader.in().readRawVarint64()));
      case 2 -> type = reader.number(wire);
      case 4 -> list(wire, WireFormat.WIRETYPE_FIXED32);
      case 5, 7, 11 -> list(wire, WireFormat.WIRETYPE_VARINT);
      case 8 -> name = reader.text(wire);
      case 9 -> raw = reader.bytes(wire);
      case 10 -> list(wire, WireFormat.WIRETYPE_FIXED64);
      case 13 -> {
        String[] pair = {"", ""};
        reader.nested(wire, reader.pairs(pair));
        external.put(pair[0], pair[1]);
      }
      case 14 -> isExternal = reader.number(wire) == EXTERNAL;
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Takes one element of a list. */
  private interface Element {
    void take() throws IOException;
  }

  private void integers(int wire, Element element) throws IOException {
    elements(wire, WireFormat.WIRETYPE_VARINT, element);
  }

  private void list(int wire, int kind) throws IOException {
    elements(wire, kind, () -> add(element(kind)));
  }

  private long element(int kind) throws IOException {
    return switch (kind) {
      case WireFormat.WIRETYPE_FIXED32 -> reader.in().readRawLittleEndian32();
      case WireFormat.WIRETYPE_FIXED64 -> reader.in().readRawLittleEndian64();
      default -> reader.in().readRawVarint64();
    };
  }

  /** One element, or several in one field. */
  private void elements(int wire, int kind, Element element) throws IOException {
    if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
      int limit = reader.in().pushLimit(reader.in().readRawVarint32());
      while (!reader.in().isAtEnd()) {
        element.take();
      }
      reader.in().popLimit(limit);
    } else {
      reader.expect(wire, kind);
      element.take();
    }
  }

  private void add(long bits) {
    if (count == numbers.length) {
      numbers = Arrays.copyOf(numbers, 2 * count);
    }
    numbers[count++] = bits;
  }

  /** Returns the tensor, whose shape and number of bytes fit each other. */
  Stored stored() throws IOException {
    Stored.Type found = ElementType.type(type);
    if (found == null) {
      throw reader.problem(
          "tensor %s: has elements of type %s, which is not read".formatted(name, type));
    }
    int[] axes = new int[shape.size()];
    for (int i = 0; i < axes.length; i++) {
      long axis = shape.get(i);
      if (axis < 0 || axis > Integer.MAX_VALUE) {
        throw reader.problem("tensor %s: has an axis of %s".formatted(name, axis));
      }
      axes[i] = (int) axis;
    }
    try {
      return new Stored(found, axes, bytes(found, axes));
    } catch (IllegalArgumentException e) {
      throw reader.problem("tensor %s: %s".formatted(name, e.getMessage()));
    }
  }

  private ByteBuffer bytes(Stored.Type found, int... axes) throws IOException {
    return isExternal
        ? reader.external().bytes(name, external, size(found, axes))
        : raw != null ? raw : listed(found);
  }

  /** Returns the number of bytes, the largest there is where it is past that. */
  private static long size(Stored.Type type, int... axes) {
    long size = Arrays.stream(axes).anyMatch(axis -> axis == 0) ? 0 : type.bytes();
    for (int axis : axes) {
      size = axis > 0 && size > Long.MAX_VALUE / axis ? Long.MAX_VALUE : size * axis;
    }
    return size;
  }

  private ByteBuffer listed(Stored.Type found) throws FileFormatException {
    if ((long) count * found.bytes() > Integer.MAX_VALUE) {
      throw reader.problem("tensor %s: is past 2 GiB".formatted(name));
    }
    ByteBuffer bytes = ByteBuffer.allocate(count * found.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      switch (found.bytes()) {
        case Byte.BYTES -> bytes.put((byte) numbers[i]);
        case Short.BYTES -> bytes.putShort((short) numbers[i]);
        case Integer.BYTES -> bytes.putInt((int) numbers[i]);
        default -> bytes.putLong(numbers[i]);
      }
    }
    return bytes.flip();
  }
}
