package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Storage;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

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
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).isConstant()) {
        throw new IllegalArgumentException("inputs: input %s is constant".formatted(i));
      }
    }
    return pick(Tape.recorded(y, seed), inputs);
  }

  /** As {@link #of(Tensor, Tensor, List)}, without recording how they are computed. */
  static List<Tensor> unrecorded(Tensor y, Tensor seed, List<Tensor> inputs) {
    return pick(NoAutodiff.call(() -> Tape.found(y, seed)), inputs);
  }

  private static List<Tensor> pick(IdentityHashMap<Tensor, Tensor> found, List<Tensor> inputs) {
    List<Tensor> gradients = new ArrayList<>();
    for (Tensor input : inputs) {
      Tensor gradient = found.get(input);
      gradients.add(
          gradient == null
              ? Tensor.constant(Storage.allocate(input.dtype(), input.size()), input.shape())
              : gradient);
    }
    return gradients;
  }

  /** As {@link #of(Tensor, Tensor, List)}, of the sum of y's elements. */
  public static List<Tensor> of(Tensor y, Tensor... inputs) {
    return of(y, Tensor.constantScalar(y.dtype(), 1), List.of(inputs));
  }
}
