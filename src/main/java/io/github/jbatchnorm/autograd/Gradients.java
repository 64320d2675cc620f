package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.memory.Storage;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Gradients as tensors with gradients of their own. */
public final class Gradients {
  private Gradients() {}

  /**
   * Returns the gradients of sum(seed y) for some variables. Unlike {@link Tensor#backward()} this
   * records how they are computed, so that they can be differentiated again, sets no {@link
   * Tensor#grad()}, and leaves the graph as it is.
   *
   * @param y what is differentiated
   * @param seed broadcasts to y's shape
   * @param inputs variables; the gradient of one that y does not depend on is 0
   * @return a gradient for each input, of its shape and dtype
   * @throws IllegalArgumentException if an input is constant
   * @throws InvalidBackpropException as {@link Tensor#backward()}
   */
  public static List<Tensor> of(Tensor y, Tensor seed, List<Tensor> inputs) {
    Objects.requireNonNull(y, "y");
    Objects.requireNonNull(seed, "seed");
    Operation.checked("inputs", inputs);
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).isConstant()) {
        throw new IllegalArgumentException("inputs: input %s is constant".formatted(i));
      }
    }
    return pick(Tape.recorded(y, seed), inputs);
  }

  private static List<Tensor> pick(IdentityHashMap<Node, Tensor> found, List<Tensor> inputs) {
    return inputs.stream().map(input -> orZero(found.get(input.node()), input)).toList();
  }

  /** Returns the gradient of an input, 0 where none was found. */
  static Tensor orZero(@Nullable Tensor gradient, Tensor input) {
    return gradient == null
        ? Tensor.constant(Storage.allocate(input.dtype(), input.size()), input.shape())
        : gradient;
  }

  /**
   * As {@link #of(Tensor, Tensor, List)}, of the sum of y's elements.
   *
   * @param y what is differentiated
   * @param inputs by what
   * @return the gradients, one for each input
   */
  public static List<Tensor> of(Tensor y, Tensor... inputs) {
    Objects.requireNonNull(y, "y");
    return of(y, Tensor.constantScalar(y.dtype(), 1), Operation.checked("inputs", inputs));
  }
}
