package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.programs.Draft.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/** Leaves, steps, and a loss: the weighted sum of all elements that no step has taken. */
final class Program {
  private static final int MOST_NODES = 14;

  private final List<Node> nodes;
  private final List<Integer> ends = new ArrayList<>();
  final List<Integer> leaves;
  final boolean isOverwriting;

  private Program(Draft draft) {
    nodes = List.copyOf(draft.nodes);
    leaves =
        IntStream.range(0, nodes.size()).filter(i -> nodes.get(i).step() == null).boxed().toList();
    Set<Integer> taken = new HashSet<>();
    nodes.stream().filter(n -> n.step() != null).forEach(n -> taken.addAll(n.step().inputs()));
    for (int i = 0; i < nodes.size(); i++) {
      if (!taken.contains(i) && !draft.isOverwritten(i)) {
        ends.add(i);
      }
    }
    isOverwriting = nodes.stream().anyMatch(node -> node.step() != null && node.step().writes());
  }

  static Program of(int... choices) {
    Draft draft = new Draft(new Choices(choices));
    draft.leaf(-2, 2, draft.shape(5));
    while (draft.choices.areLeft() && draft.nodes.size() < MOST_NODES) {
      draft.write();
    }
    return new Program(draft);
  }

  int steps() {
    return nodes.size() - leaves.size();
  }

  DType dtype(int node) {
    return nodes.get(node).dtype();
  }

  /** Whether anything is rounded to f32. */
  boolean isCoarse() {
    return nodes.stream().anyMatch(node -> node.dtype() == DType.F32);
  }

  /** Returns what the oracle found for a node. */
  Value value(int node) {
    return nodes.get(node).value();
  }

  /** Returns the leaves, moved by so much in a direction. */
  List<Value> leaves(List<double[]> direction, Complex by) {
    List<Value> moved = new ArrayList<>();
    for (int leaf = 0; leaf < leaves.size(); leaf++) {
      Value value = value(leaves.get(leaf));
      double[] along = direction.get(leaf);
      Complex[] elements = new Complex[value.size()];
      Arrays.setAll(elements, i -> value.at(i).plus(by.times(along[i])));
      moved.add(new Value(value.shape(), elements));
    }
    return moved;
  }

  private double weight(int end, int element) {
    return ((end * 7 + element * 5) % 11 - 4) / 4.0;
  }

  /** Returns what the oracle finds for each node, each result off by up to a relative error. */
  List<Value> values(List<Value> leaves, double error) {
    SplittableRandom random = new SplittableRandom(3);
    List<Value> values = new ArrayList<>();
    int leaf = 0;
    for (Node node : nodes) {
      Step step = node.step();
      Value value =
          step == null
              ? leaves.get(leaf++)
              : step.oracle().apply(step.inputs().stream().map(values::get).toList());
      values.add(
          error == 0
              ? value
              : value.map(
                  z ->
                      new Complex(
                          z.re() * (1 + error * random.nextDouble(-1, 1)),
                          z.im() * (1 + error * random.nextDouble(-1, 1)))));
    }
    return values;
  }

  /** Returns the oracle's loss. */
  Complex loss(List<Value> leaves, double error) {
    List<Value> values = values(leaves, error);
    Complex sum = Complex.of(0);
    for (int end : ends) {
      for (int i = 0; i < values.get(end).size(); i++) {
        sum = sum.plus(values.get(end).at(i).times(weight(end, i)));
      }
    }
    return sum;
  }

  /** Returns new tensors of the leaves. */
  List<Tensor> tensors() {
    return leaves.stream()
        .map(
            leaf -> {
              double[] values =
                  IntStream.range(0, value(leaf).size())
                      .mapToDouble(i -> value(leaf).at(i).re())
                      .toArray();
              Tensor tensor = Tensor.of(values).reshape(value(leaf).shape());
              Tensor cast = tensor.astype(dtype(leaf)).copy();
              return Tensor.variable(cast.storage(), cast.shape());
            })
        .toList();
  }

  /** Computes a tensor for each node by the library, and hands it on. */
  void run(List<Tensor> leaves, BiConsumer<Integer, Tensor> taker) {
    List<Tensor> tensors = new ArrayList<>();
    int leaf = 0;
    for (Node node : nodes) {
      Step step = node.step();
      tensors.add(
          step == null
              ? leaves.get(leaf++)
              : step.library().apply(step.inputs().stream().map(tensors::get).toList()));
      taker.accept(tensors.size() - 1, tensors.get(tensors.size() - 1));
    }
  }

  /** Returns the library's loss, of what it made of the nodes. */
  Tensor loss(List<Tensor> tensors) {
    Tensor[] parts =
        ends.stream()
            .map(
                end -> {
                  Tensor flat = tensors.get(end).flatten();
                  double[] weights =
                      IntStream.range(0, flat.size()).mapToDouble(i -> weight(end, i)).toArray();
                  return flat.multiply(Tensor.of(weights).asConstant());
                })
            .toArray(Tensor[]::new);
    return Tensors.concatenate(0, parts).sum();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      text.append("%n%%%d: %s%s".formatted(i, node.dtype(), Arrays.toString(node.value().shape())));
      if (node.step() != null) {
        text.append(" = %s of %s".formatted(node.step().text(), node.step().inputs()));
      }
    }
    return text.append("%nloss of ".formatted()).append(ends).toString();
  }
}
