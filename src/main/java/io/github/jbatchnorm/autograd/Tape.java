package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Backward: the graph in order, each tensor after all that were computed from it; gradients summed
 * over reuse; the graph cleared. Everything is checked and computed before any tensor is changed,
 * so that a backward that fails leaves graph and gradients as they were.
 */
final class Tape {
  /** Of none. */
  static final Watch NONE = new Watch(Set.of(), (variable, grad) -> {});

  private Tape() {}

  static void backward(Tensor root, Tensor seed, Watch watch) {
    if (!NoAutodiff.isRecording()) {
      throw new InvalidBackpropException("backward: called inside a NoAutodiff scope");
    }
    if (root.isConstant()) {
      return;
    }
    List<Node> order = order(root.node(), Set.of());
    NoAutodiff.call(() -> gradients(root, own(seed), order, Set.of(), watch)).forEach(Tape::give);
    order.forEach(Tape::clear);
  }

  /** The found gradient may be shared, or a user's own: what is kept cannot be changed. */
  static void give(Node node, Tensor found) {
    Tensor view = found.view(node.shape);
    view.node().frozen = true;
    node.grad = view;
  }

  /** Returns what root keeps as its gradient: a copy of a variable, which a step may change. */
  private static Tensor own(Tensor seed) {
    return seed.isConstant() ? seed.asConstant() : seed.copy();
  }

  /** Returns the gradients of all that {@code root} was computed from, recording how. */
  static IdentityHashMap<Node, Tensor> recorded(Tensor root, Tensor seed) {
    if (!NoAutodiff.isRecording()) {
      throw new InvalidBackpropException("gradients: asked for inside a NoAutodiff scope");
    }
    return found(root, seed, Set.of());
  }

  /**
   * Returns the gradients of all that {@code root} was computed from down to {@code ends}, which
   * count as independent of each other, whatever they were computed from. Recorded only where
   * operations are.
   */
  static IdentityHashMap<Node, Tensor> found(Tensor root, Tensor seed, Set<Node> ends) {
    return root.isConstant()
        ? new IdentityHashMap<>()
        : gradients(root, seed, order(root.node(), ends), ends, NONE);
  }

  private static IdentityHashMap<Node, Tensor> gradients(
      Tensor root, Tensor seed, List<Node> order, Set<Node> ends, Watch watch) {
    IdentityHashMap<Node, Tensor> grads = new IdentityHashMap<>();
    grads.put(root.node(), seed(root, seed));
    watch.begin(order, grads);
    for (Node node : order) {
      Operation creator = node.creator;
      Tensor grad = grads.get(node);
      if (creator != null && grad != null && !ends.contains(node)) {
        propagate(creator, grad, grads);
      }
      watch.passed(node, grads);
    }
    return grads;
  }

  private static Tensor seed(Tensor root, Tensor seed) {
    int[] shape = root.shape();
    Shapes.checkBroadcast("seed", seed.axes(), shape);
    return seed.broadcastTo(shape).astype(root.dtype());
  }

  private static void propagate(
      Operation creator, Tensor grad, IdentityHashMap<Node, Tensor> grads) {
    if (NoAutodiff.isRecording() || !creator.leavesTemporaries()) {
      addParts(creator, grad, grads);
      return;
    }
    try (MemoryScope scope = MemoryScope.open()) {
      addParts(creator, grad, grads);
      for (Node input : creator.nodes()) {
        Tensor found = grads.get(input);
        if (found != null) {
          scope.keep(found.storage());
        }
      }
    }
  }

  private static void addParts(
      Operation creator, Tensor grad, IdentityHashMap<Node, Tensor> grads) {
    Node[] inputs = creator.nodes();
    @Nullable Tensor[] found = creator.backward(grad);
    if (found.length != inputs.length) {
      throw new IllegalStateException(
          "%s: backward gave %s gradients for %s inputs"
              .formatted(creator.name(), found.length, inputs.length));
    }
    for (int i = 0; i < found.length; i++) {
      Node input = inputs[i];
      if (!input.constant) {
        Tensor part = gradient(creator, i, found[i]).sumTo(input.shape);
        add(part.astype(input.storage.dtype()), input, grads);
      }
    }
  }

  private static Tensor gradient(Operation creator, int input, @Nullable Tensor found) {
    if (found == null) {
      throw new IllegalStateException(
          "%s: backward gave no gradient for input %s, a variable"
              .formatted(creator.name(), input));
    }
    return found;
  }

  private static void add(Tensor part, Node input, IdentityHashMap<Node, Tensor> grads) {
    Tensor before = grads.get(input);
    grads.put(input, before == null ? part : before.add(part));
  }

  private static void clear(Node node) {
    if (node.creator != null) {
      node.creator.clear();
      node.creator = null;
    }
  }

  /** A tensor whose inputs are being visited. */
  private record Visit(Node node, Iterator<Node> inputs) {
    Visit(Node node, Set<Node> ends) {
      this(node, inputs(ends.contains(node) ? null : node.creator));
    }

    private static Iterator<Node> inputs(@Nullable Operation creator) {
      if (creator == null) {
        return Collections.emptyIterator();
      }
      creator.checkUsable();
      return Arrays.asList(creator.nodes()).iterator();
    }
  }

  /**
   * Returns the variables that {@code root} was computed from, down to {@code ends}, and itself,
   * each ahead of its inputs. Without recursion, as a graph may be as deep as a program is long.
   */
  private static List<Node> order(Node root, Set<Node> ends) {
    Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Node> order = new ArrayList<>();
    Deque<Visit> path = new ArrayDeque<>();
    seen.add(root);
    path.push(new Visit(root, ends));
    while (!path.isEmpty()) {
      Visit visit = path.peek();
      if (visit.inputs().hasNext()) {
        Node input = visit.inputs().next();
        if (!input.constant && seen.add(input)) {
          path.push(new Visit(input, ends));
        }
      } else {
        order.add(visit.node());
        path.pop();
      }
    }
    Collections.reverse(order);
    return order;
  }
}
