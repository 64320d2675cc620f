package io.github.jbatchnorm.autograd;

import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;

/**
 * Some variables of a graph, whose gradients are told while backward goes on: each as soon as all
 * operations that it is an input of have given their parts.
 */
final class Watch {
  private final IdentityHashMap<Node, Tensor> variables = new IdentityHashMap<>();

  /** How often each variable is an input of an operation whose turn is yet to come. */
  private final IdentityHashMap<Node, Integer> uses = new IdentityHashMap<>();

  private final BiConsumer<Tensor, Tensor> found;

  Watch(Collection<Tensor> watched, BiConsumer<Tensor, Tensor> found) {
    for (Tensor variable : watched) {
      variables.put(Objects.requireNonNull(variable, "parameters: an element").node(), variable);
    }
    this.found = found;
  }

  /** Begins: operations will have their turns in this order. */
  void begin(List<Node> order, IdentityHashMap<Node, Tensor> grads) {
    if (variables.isEmpty()) {
      return;
    }
    for (Node node : order) {
      for (Node input : inputs(node)) {
        if (variables.containsKey(input)) {
          uses.merge(input, 1, Integer::sum);
        }
      }
    }
    tell(order.get(0), grads);
  }

  /** Hears that the operation that made a tensor has had its turn. */
  void passed(Node node, IdentityHashMap<Node, Tensor> grads) {
    if (variables.isEmpty()) {
      return;
    }
    for (Node input : inputs(node)) {
      if (uses.computeIfPresent(input, (key, count) -> count - 1) != null) {
        tell(input, grads);
      }
    }
  }

  private void tell(Node node, IdentityHashMap<Node, Tensor> grads) {
    Tensor variable = variables.get(node);
    Tensor grad = grads.get(node);
    if (variable != null && grad != null && uses.getOrDefault(node, 0) == 0) {
      found.accept(variable, grad);
    }
  }

  private static Node[] inputs(Node node) {
    return node.creator == null ? new Node[0] : node.creator.nodes();
  }
}
