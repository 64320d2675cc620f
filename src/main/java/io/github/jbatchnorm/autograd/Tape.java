package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.ArrayDeque;
import java.util.ArrayList;
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
  private Tape() {}

  static void backward(Tensor root, Tensor seed) {
    if (!NoAutodiff.isRecording()) {
      throw new InvalidBackpropException("backward: called inside a NoAutodiff scope");
    }
    if (root.isConstant()) {
      return;
    }
    List<Tensor> order = order(root, Set.of());
    NoAutodiff.call(() -> gradients(root, own(seed), order, Set.of())).forEach(Tensor::giveGrad);
    order.forEach(Tape::clear);
  }

  /** Returns what root keeps as its gradient: a copy of a variable, which a step may change. */
  private static Tensor own(Tensor seed) {
    return seed.isConstant() ? seed.asConstant() : seed.copy();
  }

  /** Returns the gradients of all that {@code root} was computed from, recording how. */
  static IdentityHashMap<Tensor, Tensor> recorded(Tensor root, Tensor seed) {
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
  static IdentityHashMap<Tensor, Tensor> found(Tensor root, Tensor seed, Set<Tensor> ends) {
    return root.isConstant()
        ? new IdentityHashMap<>()
        : gradients(root, seed, order(root, ends), ends);
  }

  private static IdentityHashMap<Tensor, Tensor> gradients(
      Tensor root, Tensor seed, List<Tensor> order, Set<Tensor> ends) {
    IdentityHashMap<Tensor, Tensor> grads = new IdentityHashMap<>();
    grads.put(root, seed(root, seed));
    for (Tensor tensor : order) {
      Operation creator = tensor.creator();
      Tensor grad = grads.get(tensor);
      if (creator != null && grad != null && !ends.contains(tensor)) {
        propagate(creator, grad, grads);
      }
    }
    return grads;
  }

  private static Tensor seed(Tensor root, Tensor seed) {
    int[] shape = root.shape();
    Shapes.checkBroadcast("seed", seed.axes(), shape);
    return seed.broadcastTo(shape).astype(root.dtype());
  }

  private static void propagate(
      Operation creator, Tensor grad, IdentityHashMap<Tensor, Tensor> grads) {
    if (NoAutodiff.isRecording() || !creator.leavesTemporaries()) {
      addParts(creator, grad, grads);
      return;
    }
    try (MemoryScope scope = MemoryScope.open()) {
      addParts(creator, grad, grads);
      for (Tensor input : creator.inputs()) {
        Tensor found = grads.get(input);
        if (found != null) {
          scope.keep(found.storage());
        }
      }
    }
  }

  private static void addParts(
      Operation creator, Tensor grad, IdentityHashMap<Tensor, Tensor> grads) {
    List<Tensor> inputs = creator.inputs();
    @Nullable Tensor[] found = creator.backward(grad);
    if (found.length != inputs.size()) {
      throw new IllegalStateException(
          "%s: backward gave %s gradients for %s inputs"
              .formatted(creator.name(), found.length, inputs.size()));
    }
    for (int i = 0; i < found.length; i++) {
      Tensor input = inputs.get(i);
      if (!input.isConstant()) {
        add(gradient(creator, i, found[i]).sumTo(input.axes()).astype(input.dtype()), input, grads);
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

  private static void add(Tensor part, Tensor input, IdentityHashMap<Tensor, Tensor> grads) {
    Tensor before = grads.get(input);
    grads.put(input, before == null ? part : before.add(part));
  }

  private static void clear(Tensor tensor) {
    Operation creator = tensor.creator();
    if (creator != null) {
      creator.clear();
      tensor.forgetCreator();
    }
  }

  /** A tensor whose inputs are being visited. */
  private record Visit(Tensor tensor, Iterator<Tensor> inputs) {
    Visit(Tensor tensor, Set<Tensor> ends) {
      this(tensor, inputs(ends.contains(tensor) ? null : tensor.creator()));
    }

    private static Iterator<Tensor> inputs(@Nullable Operation creator) {
      if (creator == null) {
        return Collections.emptyIterator();
      }
      creator.checkUsable();
      return creator.inputs().iterator();
    }
  }

  /**
   * Returns the variables that {@code root} was computed from, down to {@code ends}, and itself,
   * each ahead of its inputs. Without recursion, as a graph may be as deep as a program is long.
   */
  private static List<Tensor> order(Tensor root, Set<Tensor> ends) {
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Tensor> order = new ArrayList<>();
    Deque<Visit> path = new ArrayDeque<>();
    seen.add(root);
    path.push(new Visit(root, ends));
    while (!path.isEmpty()) {
      Visit visit = path.peek();
      if (visit.inputs().hasNext()) {
        Tensor input = visit.inputs().next();
        if (!input.isConstant() && seen.add(input)) {
          path.push(new Visit(input, ends));
        }
      } else {
        order.add(visit.tensor());
        path.pop();
      }
    }
    Collections.reverse(order);
    return order;
  }
}
