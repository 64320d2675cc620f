package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a node is told, as its reader asks for it; what no one asks for is refused. */
final class NodeArguments {
  private final Import graph;
  private final OnnxFile.Node node;
  private final Set<String> read = new HashSet<>();
  private final List<String> taken = new ArrayList<>();
  private @Nullable Boolean integers;

  NodeArguments(Import graph, OnnxFile.Node node) {
    this.graph = graph;
    this.node = node;
  }

  FileFormatException problem(String problem) {
    return graph.problem("%s: %s".formatted(node.text(), problem));
  }

  FileFormatException attribute(String name, String problem) {
    return problem("attribute %s: %s".formatted(name, problem));
  }

  OnnxFile.Node node() {
    return node;
  }

  long opset() {
    return graph.opset();
  }

  Map<String, Layer> layers() {
    return graph.layers();
  }

  void checkAllRead() throws FileFormatException {
    for (Map.Entry<String, Object> entry : node.attributes().entrySet()) {
      if (!read.contains(entry.getKey())) {
        throw attribute(entry.getKey(), "is not read with opset " + opset());
      }
    }
  }

  /** Ignores an attribute that changes nothing here. */
  void ignore(String name) {
    read.add(name);
  }

  boolean has(String name) {
    return node.attributes().containsKey(name);
  }

  private <T> @Nullable T get(String name, Class<T> type) throws FileFormatException {
    read.add(name);
    Object value = node.attributes().get(name);
    if (value != null && !type.isInstance(value)) {
      throw attribute(name, "is of another kind than ONNX has it");
    }
    return type.cast(value);
  }

  long integer(String name, long missing) throws FileFormatException {
    Long value = get(name, Long.class);
    return value == null ? missing : value;
  }

  /** Returns an integer that fits; axes and groups do. */
  int small(String name, int missing) throws FileFormatException {
    return toInt(name, integer(name, missing));
  }

  private int toInt(String name, long value) throws FileFormatException {
    if (value != (int) value) {
      throw attribute(name, "%s is out of range".formatted(value));
    }
    return (int) value;
  }

  /** Returns the decimal number that was rounded to the file's float. */
  double number(String name, double missing) throws FileFormatException {
    Float value = get(name, Float.class);
    return value == null ? missing : Double.parseDouble(Float.toString(value));
  }

  String text(String name, String missing) throws FileFormatException {
    String value = get(name, String.class);
    return value == null ? missing : value;
  }

  @Nullable Stored tensor(String name) throws FileFormatException {
    return get(name, Stored.class);
  }

  long @Nullable [] integers(String name) throws FileFormatException {
    return get(name, long[].class);
  }

  float @Nullable [] numbers(String name) throws FileFormatException {
    return get(name, float[].class);
  }

  /** Returns small integers, or so many of the missing one. */
  int[] sizes(String name, int count, int missing) throws FileFormatException {
    long[] values = integers(name);
    if (values == null) {
      int[] all = new int[count];
      Arrays.fill(all, missing);
      return all;
    }
    if (values.length != count) {
      throw attribute(name, "expected %s numbers, got %s".formatted(count, values.length));
    }
    int[] sizes = new int[count];
    for (int i = 0; i < count; i++) {
      sizes[i] = toInt(name, values[i]);
    }
    return sizes;
  }

  /** Checks that an attribute is what all that is read here has. */
  void expect(String name, long only) throws FileFormatException {
    long value = integer(name, only);
    if (value != only) {
      throw attribute(name, "expected %s, got %s".formatted(only, value));
    }
  }

  int inputs() {
    return node.inputs().size();
  }

  boolean hasInput(int index) {
    return index < inputs() && !node.inputs().get(index).isEmpty();
  }

  /** Returns an input's name. */
  String input(int index) throws FileFormatException {
    if (!hasInput(index)) {
      throw problem("has no input " + index);
    }
    return node.inputs().get(index);
  }

  /** Takes inputs as values that the node computes from. */
  void take(int... indices) throws FileFormatException {
    for (int index : indices) {
      taken.add(input(index));
    }
  }

  List<String> taken() {
    return taken;
  }

  /** Returns an input that has to be a tensor of the file. */
  Stored fixed(int index) throws FileFormatException {
    Stored value = graph.fixed(input(index));
    if (value == null) {
      throw problem(
          "input %s, %s: expected a tensor of the file, got a computed one"
              .formatted(index, input(index)));
    }
    return value;
  }

  /** Returns whether an input is a tensor of the file. */
  boolean isFixed(int index) {
    return hasInput(index) && graph.fixed(node.inputs().get(index)) != null;
  }

  /** Returns whether an input is of whole numbers, of the file or computed. */
  boolean isInteger(int index) {
    return hasInput(index) && graph.isInteger(node.inputs().get(index));
  }

  /** Tells whether the output is of whole numbers; otherwise it is where all that is taken is. */
  void integers(boolean areGiven) {
    integers = areGiven;
  }

  boolean givesIntegers() {
    return integers != null ? integers : taken.stream().allMatch(graph::isInteger);
  }

  /** Returns a fixed vector of integers. */
  long[] fixedIntegers(int index) throws FileFormatException {
    Stored value = fixed(index);
    if (!value.type().isInteger() || value.shape().length > 1) {
      throw problem("input %s: expected integers, got %s".formatted(index, value));
    }
    Tensor numbers = StoredTensors.tensor(value);
    long[] integers = new long[numbers.size()];
    for (int i = 0; i < integers.length; i++) {
      integers[i] = (long) numbers.storage().get(i);
    }
    return integers;
  }

  /** Returns a fixed number. */
  double fixedNumber(int index) throws FileFormatException {
    Tensor value = StoredTensors.tensor(fixed(index));
    if (value.size() != 1) {
      throw problem("input %s: expected one number, got %s".formatted(index, fixed(index)));
    }
    return value.storage().get(0);
  }

  /** Gives the node's output as a tensor that is known. */
  void fix(Stored value) {
    graph.fix(node.outputs().get(0), value);
  }

  /** Notes that all outputs but the first are state. */
  void othersAreState() {
    graph.statistics(node.outputs().subList(1, node.outputs().size()));
  }

  /** Returns whether one of the outputs after the first is the graph's. */
  boolean givesState() {
    return node.outputs().stream().skip(1).anyMatch(graph::gives);
  }

  /** Returns what a layer is called: its weights' name without its last part, or the node's. */
  String layerName(int weight, String suffix) throws FileFormatException {
    String name = input(weight);
    if (name.endsWith(suffix) && name.length() > suffix.length()) {
      return name.substring(0, name.length() - suffix.length());
    }
    return node.name().isEmpty() ? node.outputs().get(0) : node.name();
  }

  /** Adds a layer under its name, or one that begins with it where it is taken. */
  <T extends Layer> T layer(String name, T layer) {
    String free = name;
    for (int i = 2; layers().putIfAbsent(free, layer) != null; i++) {
      free = name + "_" + i;
    }
    return layer;
  }
}
