package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A graph that nodes and tensors are added to, all under names of their own. */
final class GraphBuilder {
  private final List<OnnxFile.Node> nodes = new ArrayList<>();
  private final Map<String, Stored> initializers = new LinkedHashMap<>();
  private final List<OnnxFile.Value> outputs = new ArrayList<>();
  private final Set<String> names = new HashSet<>();

  /** Returns the name, or one that begins with it where it is taken. */
  String unique(String name) {
    String free = name;
    for (int i = 2; !names.add(free); i++) {
      free = name + "_" + i;
    }
    return free;
  }

  /** Adds a node of one output; returns its name, which is the node's too. */
  String node(String name, String operator, List<String> inputs, Map<String, Object> attributes) {
    String output = unique(name);
    add(output, operator, inputs, List.of(output), attributes);
    return output;
  }

  void add(
      String name,
      String operator,
      List<String> inputs,
      List<String> outputsOf,
      Map<String, Object> attributes) {
    nodes.add(new OnnxFile.Node(name, operator, "", inputs, outputsOf, attributes));
  }

  /** Adds a tensor; returns its name. */
  String initializer(String name, Stored tensor) {
    String free = unique(name);
    initializers.put(free, tensor);
    return free;
  }

  String initializer(String name, Tensor tensor) {
    return initializer(name, StoredTensors.of(tensor));
  }

  /** Adds a vector of integers. */
  String integers(String name, long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return initializer(name, new Stored(Stored.Type.I64, new int[] {values.length}, bytes));
  }

  /** Adds a tensor all of one value. */
  String filled(String name, DType dtype, double value, int... shape) {
    Tensor tensor = Tensor.zeros(dtype, shape);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.storage().set(i, value);
    }
    return initializer(name, tensor);
  }

  void output(String name, DType dtype, List<Long> shape) {
    outputs.add(new OnnxFile.Value(name, ElementType.of(dtype), shape));
  }

  OnnxFile file(long opset, Map<String, String> metadata, OnnxFile.Value input) {
    return new OnnxFile(opset, metadata, nodes, initializers, List.of(input), outputs);
  }
}
