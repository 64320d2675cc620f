package io.github.jbatchnorm.interop.onnx;

import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A message of Protocol Buffers that is put together field by field, then written as a whole. */
final class Message {
  private static final int VARINT = 0;
  private static final int LENGTH = 2;
  private static final int FIXED32 = 5;

  /** Writes one field's value after its tag. */
  private interface Content {
    void write(CodedOutputStream out) throws IOException;
  }

  private record Field(int tag, long size, Content content) {}

  private final List<Field> fields = new ArrayList<>();
  private long size;

  private Message add(int number, int wire, long bytes, Content content) {
    int tag = number << 3 | wire;
    fields.add(new Field(tag, bytes, content));
    size += CodedOutputStream.computeUInt32SizeNoTag(tag) + bytes;
    return this;
  }

  Message number(int number, long value) {
    int bytes = CodedOutputStream.computeUInt64SizeNoTag(value);
    return add(number, VARINT, bytes, out -> out.writeUInt64NoTag(value));
  }

  Message number(int number, float value) {
    return add(number, FIXED32, Float.BYTES, out -> out.writeFloatNoTag(value));
  }

  /** Adds nothing where the text is empty, which is what a missing one means. */
  Message text(int number, String value) {
    return value.isEmpty() ? this : bytes(number, StandardCharsets.UTF_8.encode(value));
  }

  Message bytes(int number, ByteBuffer value) {
    ByteBuffer whole = value.slice();
    return lengthed(number, whole.remaining(), out -> out.writeLazy(whole.duplicate()));
  }

  Message message(int number, Message value) {
    return lengthed(number, value.size, value::write);
  }

  private Message lengthed(int number, long length, Content content) {
    if (length > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "model: expected at most 2 GiB, the limit of ONNX files, got %s bytes".formatted(length));
    }
    long prefix = CodedOutputStream.computeUInt32SizeNoTag((int) length);
    return add(
        number,
        LENGTH,
        prefix + length,
        out -> {
          out.writeUInt32NoTag((int) length);
          content.write(out);
        });
  }

  /** Returns the number of bytes. */
  long size() {
    return size;
  }

  void write(CodedOutputStream out) throws IOException {
    for (Field field : fields) {
      out.writeUInt32NoTag(field.tag);
      field.content.write(out);
    }
  }
}
