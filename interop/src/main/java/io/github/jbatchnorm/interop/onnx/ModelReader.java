package io.github.jbatchnorm.interop.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads an ONNX file's bytes, which are taken for nothing but what they are found to be. */
final class ModelReader {
  private static final int MOST_DEPTH = 8;

  private final Object where;
  private final CodedInputStream in;
  private final ExternalFiles external;
  private int depth;

  private long opset;
  private boolean hasGraph;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<OnnxFile.Node> nodes = new ArrayList<>();
  private final Map<String, Stored> initializers = new LinkedHashMap<>();
  private final List<OnnxFile.Value> inputs = new ArrayList<>();
  private final List<OnnxFile.Value> outputs = new ArrayList<>();

  private ModelReader(Object where, byte[] bytes, ExternalFiles external) {
    this.where = where;
    this.external = external;
    this.in = CodedInputStream.newInstance(bytes);
    in.setSizeLimit(Integer.MAX_VALUE);
    in.enableAliasing(true);
  }

  /**
   * Returns what the bytes say; tensors share them.
   *
   * @param where the file, for messages
   * @param folder where other files with tensors are; null where there are none
   */
  static OnnxFile read(Object where, byte[] bytes, @Nullable Path folder)
      throws FileFormatException {
    ModelReader reader = new ModelReader(where, bytes, new ExternalFiles(where, folder));
    try {
      reader.fields(reader::model);
    } catch (FileFormatException e) {
      throw e;
    } catch (InvalidProtocolBufferException e) {
      throw reader.problem("is no ONNX file, or cut short: " + e.getMessage());
    } catch (IOException e) {
      throw reader.problem("cannot be read: " + e.getMessage());
    }
    if (!reader.hasGraph || reader.opset == 0) {
      throw reader.problem("is no ONNX file: it has no graph, or no version of the operators");
    }
    return new OnnxFile(
        reader.opset,
        reader.metadata,
        reader.nodes,
        reader.initializers,
        reader.inputs,
        reader.outputs);
  }

  FileFormatException problem(String problem) {
    return new FileFormatException(where, problem);
  }

  /** Takes a field, or returns false for one to be skipped. */
  interface Fields {
    boolean take(int number, int wire) throws IOException;
  }

  private void fields(Fields fields) throws IOException {
    if (++depth > MOST_DEPTH) {
      throw problem("has messages inside each other more than %s deep".formatted(MOST_DEPTH));
    }
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int wire = WireFormat.getTagWireType(tag);
      if (wire == WireFormat.WIRETYPE_START_GROUP || wire == WireFormat.WIRETYPE_END_GROUP) {
        throw problem("has a group, which ONNX has not");
      }
      if (!fields.take(WireFormat.getTagFieldNumber(tag), wire)) {
        in.skipField(tag);
      }
    }
    depth--;
  }

  /** Reads a message inside this one. */
  void message(Fields fields) throws IOException {
    int limit = in.pushLimit(length());
    fields(fields);
    in.popLimit(limit);
  }

  /** Reads a length, which is within what is left. */
  private int length() throws IOException {
    int length = in.readRawVarint32();
    if (length < 0 || (in.getBytesUntilLimit() >= 0 && length > in.getBytesUntilLimit())) {
      throw problem(
          "has %s bytes in a part with %s left".formatted(length, in.getBytesUntilLimit()));
    }
    return length;
  }

  ExternalFiles external() {
    return external;
  }

  CodedInputStream in() {
    return in;
  }

  String text(int wire) throws IOException {
    return StandardCharsets.UTF_8.decode(bytes(wire)).toString();
  }

  ByteBuffer bytes(int wire) throws IOException {
    expect(wire, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    return in.readByteBuffer();
  }

  long number(int wire) throws IOException {
    expect(wire, WireFormat.WIRETYPE_VARINT);
    return in.readRawVarint64();
  }

  void expect(int wire, int expected) throws FileFormatException {
    if (wire != expected) {
      throw problem("has a field of another kind than ONNX has it");
    }
  }

  void nested(int wire, Fields fields) throws IOException {
    expect(wire, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    message(fields);
  }

  private boolean model(int field, int wire) throws IOException {
    switch (field) {
      case 7 -> {
        hasGraph = true;
        nested(wire, this::graph);
      }
      case 8 -> opset(wire);
      case 14 -> {
        String[] pair = {"", ""};
        nested(wire, pairs(pair));
        metadata.put(pair[0], pair[1]);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private void opset(int wire) throws IOException {
    String[] domain = {""};
    long[] version = {0};
    nested(
        wire,
        (field, inner) -> {
          switch (field) {
            case 1 -> domain[0] = text(inner);
            case 2 -> version[0] = number(inner);
            default -> {
              return false;
            }
          }
          return true;
        });
    if (domain[0].isEmpty() || domain[0].equals("ai.onnx")) {
      opset = version[0];
    }
  }

  Fields pairs(String[] pair) {
    return (field, wire) -> {
      boolean known = field == 1 || field == 2;
      if (known) {
        pair[field - 1] = text(wire);
      }
      return known;
    };
  }

  private boolean graph(int field, int wire) throws IOException {
    switch (field) {
      case 1 -> nodes.add(node(wire));
      case 5 -> {
        TensorReader tensor = new TensorReader(this);
        nested(wire, tensor);
        if (initializers.putIfAbsent(tensor.name(), tensor.stored()) != null) {
          throw problem("has two tensors named " + tensor.name());
        }
      }
      case 11 -> inputs.add(value(wire));
      case 12 -> outputs.add(value(wire));
      case 15 -> throw problem("has a sparse tensor, which is not read");
      default -> {
        return false;
      }
    }
    return true;
  }

  private OnnxFile.Node node(int wire) throws IOException {
    String[] names = {"", "", ""};
    List<String> from = new ArrayList<>();
    List<String> to = new ArrayList<>();
    Map<String, Object> attributes = new LinkedHashMap<>();
    nested(
        wire,
        (field, inner) -> {
          switch (field) {
            case 1 -> from.add(text(inner));
            case 2 -> to.add(text(inner));
            case 3 -> names[0] = text(inner);
            case 4 -> names[1] = text(inner);
            case 5 -> {
              AttributeReader attribute = new AttributeReader(this);
              nested(inner, attribute);
              attributes.put(attribute.name(), attribute.value());
            }
            case 7 -> names[2] = text(inner);
            default -> {
              return false;
            }
          }
          return true;
        });
    return new OnnxFile.Node(names[0], names[1], names[2], from, to, attributes);
  }

  private OnnxFile.Value value(int wire) throws IOException {
    ValueReader value = new ValueReader(this);
    nested(wire, value);
    return value.value();
  }
}
