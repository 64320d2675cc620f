package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.nn.io.Stored;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An ONNX file as messages: the numbers are those of the format's fields. */
final class ModelWriter {
  private static final int IR_VERSION = 8;
  private static final int FLOAT = 1;
  private static final int INT = 2;
  private static final int STRING = 3;
  private static final int TENSOR = 4;
  private static final int FLOATS = 6;
  private static final int INTS = 7;
  private static final int EXTERNAL = 1;

  /** The most bytes of tensors beside which there is room for the rest in 2 GiB. */
  private static final long MOST_INSIDE = Integer.MAX_VALUE - (1L << 26);

  private final @Nullable ExternalTensors external;

  private ModelWriter(@Nullable ExternalTensors external) {
    this.external = external;
  }

  /** Returns whether a file has more bytes than the format takes. */
  static boolean isPastLimit(OnnxFile file) {
    return file.initializers().values().stream().mapToLong(t -> t.bytes().remaining()).sum()
        > MOST_INSIDE;
  }

  static Message model(OnnxFile file) {
    return new ModelWriter(null).whole(file);
  }

  /** Returns a model whose larger tensors are elsewhere. */
  static Message model(OnnxFile file, ExternalTensors external) {
    return new ModelWriter(external).whole(file);
  }

  private Message whole(OnnxFile file) {
    Message model =
        new Message()
            .number(1, IR_VERSION)
            .text(2, "jbatchnorm")
            .message(7, graph(file))
            .message(8, new Message().number(2, file.opset()));
    file.metadata()
        .forEach((key, value) -> model.message(14, new Message().text(1, key).text(2, value)));
    return model;
  }

  private Message graph(OnnxFile file) {
    Message graph = new Message();
    file.nodes().forEach(node -> graph.message(1, node(node)));
    graph.text(2, "model");
    file.initializers().forEach((name, tensor) -> graph.message(5, initializer(name, tensor)));
    file.inputs().forEach(value -> graph.message(11, value(value)));
    file.outputs().forEach(value -> graph.message(12, value(value)));
    return graph;
  }

  private static Message node(OnnxFile.Node node) {
    Message message = new Message();
    node.inputs().forEach(name -> message.bytes(1, StandardCharsets.UTF_8.encode(name)));
    node.outputs().forEach(name -> message.bytes(2, StandardCharsets.UTF_8.encode(name)));
    message.text(3, node.name()).text(4, node.operator()).text(7, node.domain());
    node.attributes().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> message.message(5, attribute(entry.getKey(), entry.getValue())));
    return message;
  }

  private static Message attribute(String name, Object value) {
    Message message = new Message().text(1, name);
    if (value instanceof Float number) {
      return message.number(2, number).number(20, FLOAT);
    }
    if (value instanceof Long number) {
      return message.number(3, number).number(20, INT);
    }
    if (value instanceof String text) {
      return message.bytes(4, StandardCharsets.UTF_8.encode(text)).number(20, STRING);
    }
    if (value instanceof Stored tensor) {
      return message.message(5, tensor("", tensor)).number(20, TENSOR);
    }
    if (value instanceof float[] numbers) {
      for (float number : numbers) {
        message.number(7, number);
      }
      return message.number(20, FLOATS);
    }
    if (value instanceof long[] numbers) {
      for (long number : numbers) {
        message.number(8, number);
      }
      return message.number(20, INTS);
    }
    throw new IllegalArgumentException("attribute %s: got %s".formatted(name, value));
  }

  private Message initializer(String name, Stored tensor) {
    if (external == null || !ExternalTensors.takes(tensor)) {
      return tensor(name, tensor);
    }
    Message message = header(name, tensor);
    external
        .add(tensor)
        .forEach((key, value) -> message.message(13, new Message().text(1, key).text(2, value)));
    return message.number(14, EXTERNAL);
  }

  private static Message tensor(String name, Stored tensor) {
    return header(name, tensor).bytes(9, tensor.bytes());
  }

  private static Message header(String name, Stored tensor) {
    Message message = new Message();
    for (int axis : tensor.shape()) {
      message.number(1, axis);
    }
    return message.number(2, ElementType.of(tensor.type())).text(8, name);
  }

  private static Message value(OnnxFile.Value value) {
    Message shape = new Message();
    for (long axis : value.shape()) {
      Message size = new Message();
      shape.message(1, axis == OnnxFile.ANY ? size.text(2, "batch") : size.number(1, axis));
    }
    Message type = new Message().number(1, value.type()).message(2, shape);
    return new Message().text(1, value.name()).message(2, new Message().message(1, type));
  }
}
