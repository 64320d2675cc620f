package io.github.jbatchnorm.interop.onnx;

import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One attribute of a node. Its kind is what the file says, or that of the field it has. */
final class AttributeReader implements ModelReader.Fields {
  private static final int INTS = 7;
  private static final int FLOATS = 6;

  private final ModelReader reader;
  private final List<Float> floats = new ArrayList<>();
  private final List<Long> integers = new ArrayList<>();
  private String name = "";
  private @Nullable Object single;
  private long kind;

  AttributeReader(ModelReader reader) {
    this.reader = reader;
  }

  String name() {
    return name;
  }

  @Override
  public boolean take(int field, int wire) throws IOException {
    switch (field) {
      case 1 -> name = reader.text(wire);
      case 2 -> {
        reader.expect(wire, WireFormat.WIRETYPE_FIXED32);
        single = reader.in().readFloat();
      }
      case 3 -> single = reader.number(wire);
      case 4 -> single = reader.text(wire);
      case 5 -> {
        reader.expect(wire, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        TensorReader tensor = new TensorReader(reader);
        reader.message(tensor);
        single = tensor.stored();
      }
      case 6, 9, 10, 11 -> {
        single = new OnnxFile.Unread("graph, texts or tensors");
        return false;
      }
      case 7, 8 -> list(field, wire);
      case 20 -> kind = reader.number(wire);
      default -> {
        return false;
      }
    }
    return true;
  }

  private void list(int field, int wire) throws IOException {
    if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
      int limit = reader.in().pushLimit(reader.in().readRawVarint32());
      while (!reader.in().isAtEnd()) {
        element(field);
      }
      reader.in().popLimit(limit);
    } else {
      reader.expect(wire, field == 7 ? WireFormat.WIRETYPE_FIXED32 : WireFormat.WIRETYPE_VARINT);
      element(field);
    }
  }

  private void element(int field) throws IOException {
    if (field == 7) {
      floats.add(reader.in().readFloat());
    } else {
      integers.add(reader.in().readRawVarint64());
    }
  }

  /** Returns a Long, Float, String, long[], float[], Stored or {@link OnnxFile.Unread}. */
  Object value() {
    if (!integers.isEmpty() || kind == INTS) {
      return integers.stream().mapToLong(Long::longValue).toArray();
    }
    if (!floats.isEmpty() || kind == FLOATS) {
      float[] values = new float[floats.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = floats.get(i);
      }
      return values;
    }
    return single != null ? single : zero();
  }

  /** A field of 0 may be left out. */
  private Object zero() {
    return switch ((int) kind) {
      case 1 -> 0f;
      case 2 -> 0L;
      case 3 -> "";
      default -> new OnnxFile.Unread("value of kind " + kind);
    };
  }
}
