package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A file's graph on its way to a network. */
final class Import {
  private static final int OLDEST = 9;
  private static final int NEWEST = 23;

  private final Object where;
  private final OnnxFile file;
  private final Map<String, Stored> fixed = new HashMap<>();
  private final Map<String, Integer> numbers = new HashMap<>();
  private final List<@Nullable Tensor> values = new ArrayList<>();
  private final List<OnnxNetwork.Step> steps = new ArrayList<>();
  private final Map<String, Layer> layers = new LinkedHashMap<>();
  private final Map<String, Tensor> parameters = new LinkedHashMap<>();
  private final Set<String> statistics = new HashSet<>();

  /** The values that are whole numbers: shapes, and what is computed of them. */
  private final Set<String> integers = new HashSet<>();

  Import(Object where, OnnxFile file) {
    this.where = where;
    this.file = file;
  }

  OnnxNetwork network() throws FileFormatException {
    if (file.opset() < OLDEST || file.opset() > NEWEST) {
      throw problem(
          "has version %s of the operators (opset): %s to %s are read"
              .formatted(file.opset(), OLDEST, NEWEST));
    }
    fixed.putAll(file.initializers());
    OnnxFile.Value input = input();
    value(input.name(), null);
    Stored.Type type = ElementType.type(input.type());
    if (type != null && type.isInteger()) {
      integers.add(input.name());
    }
    for (OnnxFile.Node node : file.nodes()) {
      add(node);
    }
    return new OnnxNetwork(steps, layers, parameters, values.toArray(Tensor[]::new), output());
  }

  /** Before version 4 of the format, initializers stand among the inputs. */
  private OnnxFile.Value input() throws FileFormatException {
    List<OnnxFile.Value> all =
        file.inputs().stream().filter(value -> !fixed.containsKey(value.name())).toList();
    if (all.size() != 1) {
      throw problem(
          "expected one input, got %s: %s"
              .formatted(all.size(), all.stream().map(OnnxFile.Value::name).toList()));
    }
    return all.get(0);
  }

  private int output() throws FileFormatException {
    List<String> names =
        file.outputs().stream()
            .map(OnnxFile.Value::name)
            .filter(n -> !statistics.contains(n))
            .toList();
    if (names.size() != 1) {
      throw problem("expected one output, got %s: %s".formatted(names.size(), names));
    }
    Integer number = numbers.get(names.get(0));
    if (number == null) {
      throw problem("has an output %s, which no node gives".formatted(names.get(0)));
    }
    return number;
  }

  FileFormatException problem(String problem) {
    return new FileFormatException(where, problem);
  }

  long opset() {
    return file.opset();
  }

  Map<String, Layer> layers() {
    return layers;
  }

  /** Returns a tensor that the file has, null where it is computed. */
  @Nullable Stored fixed(String name) {
    return fixed.get(name);
  }

  /** Returns whether a value is of whole numbers. */
  boolean isInteger(String name) {
    Stored value = fixed.get(name);
    return value == null ? integers.contains(name) : value.type().isInteger();
  }

  void fix(String name, Stored value) {
    fixed.put(name, value);
  }

  /** Notes outputs that are state, not values. */
  void statistics(List<String> names) {
    statistics.addAll(names);
  }

  /** Returns whether the graph has an output of a name. */
  boolean gives(String name) {
    return file.outputs().stream().anyMatch(value -> value.name().equals(name));
  }

  private int value(String name, @Nullable Tensor tensor) throws FileFormatException {
    if (numbers.putIfAbsent(name, values.size()) != null) {
      throw problem("gives %s twice".formatted(name));
    }
    values.add(tensor);
    return values.size() - 1;
  }

  private void add(OnnxFile.Node node) throws FileFormatException {
    NodeArguments arguments = new NodeArguments(this, node);
    if (!node.domain().isEmpty() && !node.domain().equals("ai.onnx")) {
      throw arguments.problem("is of domain %s, which is not read".formatted(node.domain()));
    }
    if (node.outputs().isEmpty()) {
      throw arguments.problem("has no output");
    }
    ImportOperator operator = ImportOperators.of(node.operator());
    if (operator == null) {
      throw arguments.problem("is no operator that is read");
    }
    OnnxNetwork.@Nullable Function function;
    try {
      function = operator.read(arguments);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw arguments.problem(String.valueOf(e.getMessage()));
    }
    arguments.checkAllRead();
    if (function != null) {
      int[] inputs = new int[arguments.taken().size()];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = number(arguments, arguments.taken().get(i));
      }
      String output = node.outputs().get(0);
      if (arguments.givesIntegers()) {
        integers.add(output);
      }
      steps.add(new OnnxNetwork.Step(node.text(), function, inputs, value(output, null)));
    }
  }

  /** Returns a value's number; a tensor of the file becomes a parameter, or a constant. */
  private int number(NodeArguments arguments, String name) throws FileFormatException {
    Integer known = numbers.get(name);
    if (known != null) {
      return known;
    }
    Stored stored = fixed.get(name);
    if (stored == null) {
      throw arguments.problem("takes %s, which nothing before it gives".formatted(name));
    }
    Tensor tensor = StoredTensors.tensor(stored);
    boolean learns =
        !tensor.isConstant() && tensor.ndim() > 0 && file.initializers().containsKey(name);
    if (learns) {
      parameters.put(name, tensor);
    }
    return value(name, learns ? tensor : tensor.asConstant());
  }
}
