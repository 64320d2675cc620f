package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A program that is being written: what its nodes hold decides what may come next. */
final class Draft {
  /** Past these, arithmetic of f32 is no longer worth comparing. */
  private static final double LARGEST = 30;

  private static final int MOST_ELEMENTS = 300;

  /**
   * A node: a leaf, or a step's result.
   *
   * @param memory the first node that has the same memory
   */
  record Node(@Nullable Step step, DType dtype, Value value, int memory) {}

  final Choices choices;
  final List<Node> nodes = new ArrayList<>();
  private final Set<Integer> overwritten = new HashSet<>();

  Draft(Choices choices) {
    this.choices = choices;
  }

  /** Adds a leaf of random elements; returns its node. */
  int leaf(double low, double high, int... shape) {
    DType dtype = choices.rarely(4) ? DType.F32 : DType.F64;
    SplittableRandom random = choices.random();
    Value value =
        Value.of(shape, i -> Complex.of(dtype.round(low + (high - low) * random.nextDouble())));
    nodes.add(new Node(null, dtype, value, nodes.size()));
    return nodes.size() - 1;
  }

  Value value(int node) {
    return nodes.get(node).value;
  }

  /** Returns a node whose memory holds what was computed, often the last one. */
  int some() {
    int last = nodes.size() - 1;
    int node = choices.rarely(3) ? last - choices.below(nodes.size()) : last;
    while (isOverwritten(node)) {
      node = (node + 1) % nodes.size(); // there is one: the result of what overwrote
    }
    return node;
  }

  /** Returns another node that fits, or -1. */
  int someLike(Function<Value, Boolean> fits) {
    for (int node = nodes.size() - 1; node >= 0; node--) {
      if (!isOverwritten(node) && fits.apply(value(node))) {
        return node;
      }
    }
    return -1;
  }

  boolean isOverwritten(int node) {
    return overwritten.contains(nodes.get(node).memory);
  }

  /** Adds a step, unless its result is not to be compared. */
  void add(Step step) {
    List<Value> inputs = step.inputs().stream().map(this::value).toList();
    Value value = step.oracle().apply(inputs);
    if (value.size() > MOST_ELEMENTS || value.ndim() > 6 || !value.isWithin(-LARGEST, LARGEST)) {
      return;
    }
    DType dtype =
        step.dtype() != null
            ? step.dtype()
            : step.inputs().stream()
                .map(i -> nodes.get(i).dtype)
                .reduce(DType::promote)
                .orElseThrow();
    int before = nodes.get(step.inputs().get(0)).memory;
    if (step.writes()) {
      overwritten.add(before);
    }
    nodes.add(new Node(step, dtype, value, step.view() ? before : nodes.size()));
  }

  /** Writes a step of a family where one fits. */
  void write() {
    int x = some();
    Step step =
        switch (choices.below(6)) {
          case 0 -> Unary.step(this, x);
          case 1 -> Binary.step(this, x);
          case 2 -> Rearrangements.step(this, x);
          case 3 -> Reducing.step(this, x);
          case 4 -> Products.step(this, x);
          default -> Norms.step(this, x);
        };
    if (step != null) {
      add(step);
    }
  }

  /** Returns a shape of up to so many axes. */
  int[] shape(int axes) {
    int[] shape = new int[choices.below(axes + 1)];
    Arrays.setAll(shape, axis -> choices.rarely(12) ? choices.below(2) : 1 + choices.below(4));
    return shape;
  }

  /** Returns an axis of a node that has some. */
  int axis(Value value) {
    return choices.below(value.ndim());
  }
}
