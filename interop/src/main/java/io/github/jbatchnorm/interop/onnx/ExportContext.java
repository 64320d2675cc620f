package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dropout;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What is known while a model's two traces become a graph: the names of its layers, tensors and
 * values. The traces differ in the number of samples and in what these are, so that what is the
 * same in both depends on neither.
 */
final class ExportContext {
  static final String INPUT = "input";

  private final Trace trace;
  private final boolean training;
  private final GraphBuilder graph = new GraphBuilder();
  private final IdentityHashMap<Trace.Step, Trace.Step> twins = new IdentityHashMap<>();
  private final IdentityHashMap<Trace.Step, String> values = new IdentityHashMap<>();
  private final IdentityHashMap<Layer, String> paths = new IdentityHashMap<>();
  private final IdentityHashMap<Tensor, String> state = new IdentityHashMap<>();
  private final IdentityHashMap<Tensor, String> written = new IdentityHashMap<>();
  private final IdentityHashMap<Tensor, String> dropped = new IdentityHashMap<>();
  private @Nullable String numbers;

  ExportContext(Layer model, Trace trace, Trace other, boolean training) {
    this.trace = trace;
    this.training = training;
    graph.unique(INPUT);
    findPaths("", model);
    model.visit(names());
    List<Trace.Step> steps = trace.steps();
    boolean same = steps.size() == other.steps().size();
    for (int i = 0; same && i < steps.size(); i++) {
      same = steps.get(i).name().equals(other.steps().get(i).name());
      twins.put(steps.get(i), other.steps().get(i));
    }
    if (!same) {
      throw new IllegalArgumentException(
          "model: what it computes depends on the number of samples, or on what they are");
    }
  }

  private void findPaths(String path, Layer layer) {
    if (paths.putIfAbsent(layer, path) == null) {
      layer
          .children()
          .forEach((name, child) -> findPaths(path.isEmpty() ? name : path + "." + name, child));
    }
  }

  private StateVisitor names() {
    return new StateVisitor() {
      @Override
      public void parameter(String name, Tensor parameter) {
        state.putIfAbsent(parameter, name);
      }

      @Override
      public void statistic(String name, Tensor statistic) {
        state.putIfAbsent(statistic, name);
      }

      @Override
      public void count(String name, AtomicLong count) {}
    };
  }

  GraphBuilder graph() {
    return graph;
  }

  boolean training() {
    return training;
  }

  /** Returns the same step of the other trace. */
  Trace.Step twin(Trace.Step step) {
    return twins.get(step);
  }

  Trace.@Nullable Step step(Tensor tensor) {
    return trace.step(tensor);
  }

  /** Returns a name for what a step computes: its layer's path. */
  String name(Trace.Step step) {
    String path = paths.getOrDefault(step.within(), "");
    if (step.layer() == step.within() && !path.isEmpty()) {
      return path;
    }
    return path.isEmpty() ? step.name() : path + "." + step.name();
  }

  IllegalArgumentException cannot(Trace.Step step, String reason) {
    return new IllegalArgumentException(
        "model: %s cannot be exported: %s".formatted(name(step), reason));
  }

  /** Returns the name of an input's value; of a constant, once it is written. */
  String value(Trace.Step step, int index) {
    Tensor tensor = step.input(index);
    Trace.Step before = trace.step(tensor);
    if (tensor == trace.x() || before != null) {
      return dropped(step, tensor, before == null ? input() : values.get(before));
    }
    return constant(step, index, tensor.shape());
  }

  /**
   * Returns x as numbers that are computed with; indices, which are constants here, become them.
   */
  private String input() {
    if (trace.x().isConstant() && numbers == null) {
      DType dtype = trace.x().dtype();
      numbers =
          graph.node(
              INPUT + ".Cast", "Cast", List.of(INPUT), Map.of("to", (long) ElementType.of(dtype)));
    }
    return numbers == null ? INPUT : numbers;
  }

  /** Returns the numbers of rows that a step looks up, which have to be x. */
  String indices(Trace.Step step) {
    Tensor indices = step.told("indices", Tensor.class);
    if (indices != trace.x()) {
      throw cannot(step, "its indices are not the model's input, but computed");
    }
    if (!indices.isConstant()) {
      throw cannot(step, "the input is of numbers of rows: export it with indices(count)");
    }
    return INPUT;
  }

  /** Returns a tensor that is in no way computed from x, in a shape of as many elements. */
  String constant(Trace.Step step, int index, int... shape) {
    Tensor tensor = step.input(index);
    if (trace.step(tensor) != null || tensor == trace.x()) {
      throw cannot(step, "input %s is computed, and ONNX wants it fixed".formatted(index));
    }
    Tensor other = twin(step).input(index);
    if (tensor != other && !StoredTensors.of(tensor).equals(StoredTensors.of(other))) {
      throw cannot(
          step,
          "input %s of shape %s depends on x in a way that the tape does not show"
              .formatted(index, Arrays.toString(tensor.shape())));
    }
    return constant(tensor, state.getOrDefault(tensor, name(step) + ".constant"), shape);
  }

  /** Writes a tensor of the model's state, or one that is always the same. */
  String constant(Tensor tensor, String name, int... shape) {
    if (!Arrays.equals(shape, tensor.shape())) {
      return graph.initializer(name, tensor.asConstant().reshape(shape));
    }
    return written.computeIfAbsent(tensor, ignored -> graph.initializer(name, tensor));
  }

  /** Returns the name of a tensor of the model's state, null where it is none. */
  @Nullable String stateName(Tensor tensor) {
    return state.get(tensor);
  }

  private String dropped(Trace.Step step, Tensor tensor, String name) {
    if (!training) {
      return name;
    }
    String known = dropped.get(tensor);
    if (known != null) {
      return known;
    }
    String last = name;
    for (Layer layer : trace.layersThatReturned(tensor)) {
      if (layer instanceof Dropout dropout) {
        if (trace.uses(tensor) != 1) {
          throw cannot(step, "what goes into dropout before it goes elsewhere too");
        }
        last = dropout(dropout, last);
      }
    }
    dropped.put(tensor, last);
    return last;
  }

  private String dropout(Dropout dropout, String x) {
    String path = paths.getOrDefault(dropout, "Dropout");
    String ratio = graph.filled(path + ".ratio", DType.F32, dropout.p());
    String trains =
        graph.initializer(
            path + ".training_mode",
            new Stored(Stored.Type.BOOL, new int[0], ByteBuffer.wrap(new byte[] {1})));
    return graph.node(path, "Dropout", List.of(x, ratio, trains), Map.of());
  }

  void computed(Trace.Step step, String name) {
    values.put(step, name);
  }

  /** Adds a node that computes a step. */
  void node(Trace.Step step, String operator, List<String> inputs, Map<String, Object> attributes) {
    computed(step, graph.node(name(step), operator, inputs, attributes));
  }

  /** Adds what follows a step in the same pass: nothing, ReLU or leaky ReLU. */
  void tail(Trace.Step step, double slope, String name) {
    if (slope == 1) {
      computed(step, name);
    } else if (slope == 0) {
      node(step, "Relu", List.of(name), Map.of());
    } else {
      node(step, "LeakyRelu", List.of(name), Map.of("alpha", (float) slope));
    }
  }

  /** Returns the axes, with {@link OnnxFile#ANY} for those that are as many as the samples. */
  List<Long> shape(Tensor tensor, Tensor other) {
    List<Long> shape = new ArrayList<>();
    for (int axis = 0; axis < tensor.ndim(); axis++) {
      shape.add(tensor.dim(axis) == other.dim(axis) ? tensor.dim(axis) : OnnxFile.ANY);
    }
    return shape;
  }

  String value(Tensor tensor) {
    Trace.Step step = trace.step(tensor);
    if (step == null) {
      throw new IllegalArgumentException("model: its output is x itself, or not computed from x");
    }
    return dropped(step, tensor, values.get(step));
  }

  /** Returns the running statistics' layer, null for a batch norm that is none's. */
  static @Nullable BatchNorm batchNorm(Trace.Step step) {
    return step.layer() instanceof BatchNorm norm ? norm : null;
  }
}
