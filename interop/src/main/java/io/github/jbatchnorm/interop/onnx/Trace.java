package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Serving;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The operations of one evaluation of a model, in the order in which they were applied. */
final class Trace {
  /** How many samples the first of two traces is of; the second is of one more. */
  static final int SAMPLES = 2;

  /** One operation with its output and the layer that applied it. */
  static final class Step {
    private final Operation operation;
    private final Tensor output;
    private final List<Tensor> inputs;
    private int uses;
    private @Nullable Layer layer;
    private @Nullable Layer within;

    Step(Operation operation, Tensor output) {
      this.operation = operation;
      this.output = output;
      this.inputs = operation.inputs();
    }

    String name() {
      return operation.name();
    }

    Tensor output() {
      return output;
    }

    Tensor input(int index) {
      return inputs.get(index);
    }

    List<Tensor> inputs() {
      return inputs;
    }

    /** Returns what the operation is told by name. */
    <T> T told(String name, Class<T> type) {
      return type.cast(operation.attributes().get(name));
    }

    int[] numbers(String name) {
      return told(name, int[].class);
    }

    double number(String name) {
      return told(name, Double.class);
    }

    /** Returns the number of operations that take the output. */
    int uses() {
      return uses;
    }

    /** Returns the innermost layer that the operation was applied in, null where none is known. */
    @Nullable Layer within() {
      return within;
    }

    /** Returns the layer whose output this one's is, null where it is none's. */
    @Nullable Layer layer() {
      return layer;
    }
  }

  /** A layer's call, as it was seen. */
  private record Call(Layer layer, Tensor output) {}

  private final Tensor x;
  private final Tensor y;
  private final List<Call> calls = new ArrayList<>();
  private final List<Step> steps = new ArrayList<>();
  private final IdentityHashMap<Operation, Step> known = new IdentityHashMap<>();

  private int inputUses;

  /** Evaluates a model on random numbers. */
  Trace(Layer model, Tensor x) {
    this.x = x;
    this.y = Serving.watched(model, x, (layer, output) -> calls.add(new Call(layer, output)));
    walk();
    for (Call call : calls) {
      Step last = step(call.output);
      if (last != null) {
        last.layer = last.layer == null ? call.layer : last.layer;
        mark(last, call.layer);
      }
    }
  }

  static Tensor random(DType dtype, long seed, int... shape) {
    int size = 1;
    for (int axis : shape) {
      size = Math.multiplyExact(size, axis);
    }
    Storage storage = Storage.uninitialized(dtype, size);
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < size; i++) {
      storage.set(i, random.nextDouble(-2, 2));
    }
    return Tensor.variable(storage, shape);
  }

  /** Finds all steps, each after those that its inputs come from; no deeper than the heap. */
  private void walk() {
    Deque<Tensor> open = new ArrayDeque<>();
    open.push(y);
    while (!open.isEmpty()) {
      Tensor tensor = open.peek();
      Operation creator = creator(tensor);
      if (creator == null || known.containsKey(creator)) {
        open.pop();
        continue;
      }
      boolean ready = true;
      for (Tensor input : creator.inputs()) {
        Operation before = creator(input);
        if (before != null && !known.containsKey(before)) {
          open.push(input);
          ready = false;
        }
      }
      if (ready) {
        open.pop();
        add(new Step(creator, tensor));
      }
    }
  }

  private void add(Step step) {
    known.put(step.operation, step);
    steps.add(step);
    for (Tensor input : step.inputs) {
      Step before = step(input);
      if (before != null) {
        before.uses++;
      } else if (input == x) {
        inputUses++;
      }
    }
  }

  /** Returns how often a value is taken, as an input of an operation or as the output. */
  int uses(Tensor tensor) {
    Step step = step(tensor);
    return (step == null ? inputUses : step.uses) + (tensor == y ? 1 : 0);
  }

  /** Everything before a layer's output that lies in no layer yet lies in this one. */
  private void mark(Step last, Layer layer) {
    Deque<Step> open = new ArrayDeque<>();
    open.push(last);
    while (!open.isEmpty()) {
      Step step = open.pop();
      if (step.within == null) {
        step.within = layer;
        for (Tensor input : step.inputs) {
          Step before = step(input);
          if (before != null) {
            open.push(before);
          }
        }
      }
    }
  }

  private @Nullable Operation creator(Tensor tensor) {
    return tensor == x || tensor.isConstant() ? null : tensor.creator();
  }

  /** Returns the step that a tensor comes from, null for x, parameters and constants. */
  @Nullable Step step(Tensor tensor) {
    Operation creator = creator(tensor);
    return creator == null ? null : known.get(creator);
  }

  List<Step> steps() {
    return steps;
  }

  Tensor x() {
    return x;
  }

  Tensor y() {
    return y;
  }

  /** Returns the layers that returned a tensor, each once: dropout returns what it is given. */
  List<Layer> layersThatReturned(Tensor tensor) {
    return calls.stream()
        .filter(call -> call.output == tensor)
        .map(Call::layer)
        .distinct()
        .toList();
  }
}
