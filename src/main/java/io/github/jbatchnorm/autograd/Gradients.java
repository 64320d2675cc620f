package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Gradients as tensors with gradients of their own; and, between backward and an optimizer's step,
 * the norm of those that {@link Tensor#grad()} holds, and their clipping.
 */
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

  /**
   * As {@link Tensor#backward(double)}, and tells of each parameter's gradient as soon as it is
   * complete, while those of what comes before it in the network are yet to be computed: for who
   * sends gradients elsewhere meanwhile.
   *
   * @param y what is differentiated
   * @param seed the gradient of each of its elements
   * @param parameters variables, as {@code model.parameters().values()}
   * @param found is called with a parameter and its gradient, once for each that y depends on, last
   *     layers first, on this thread; the gradient may be shared, so that it is read alone. Nothing
   *     is recorded in it, and what it throws ends backward, which changes no gradient then
   * @throws InvalidBackpropException as {@link Tensor#backward()}
   */
  public static void backward(
      Tensor y, double seed, Collection<Tensor> parameters, BiConsumer<Tensor, Tensor> found) {
    Objects.requireNonNull(y, "y");
    Objects.requireNonNull(parameters, "parameters");
    Objects.requireNonNull(found, "found");
    Tape.backward(y, Tensor.constantScalar(y.dtype(), seed), new Watch(parameters, found));
  }

  /**
   * Makes {@code gradient} what {@link Tensor#grad()} gives, until the next backward, or the end of
   * one that runs: for who computes gradients from those that backward has found, as the sum over
   * several machines.
   *
   * @param parameter a variable
   * @param gradient of its shape and dtype; its memory is shared, so leave it as it is
   * @throws IllegalArgumentException if the parameter is constant, or shape or dtype differ
   */
  public static void set(Tensor parameter, Tensor gradient) {
    Objects.requireNonNull(parameter, "parameter");
    Objects.requireNonNull(gradient, "gradient");
    if (parameter.isConstant()) {
      throw new IllegalArgumentException("parameter: expected a variable, got a constant");
    }
    if (gradient.dtype() != parameter.dtype()
        || !Arrays.equals(gradient.shape(), parameter.shape())) {
      throw new IllegalArgumentException(
          "gradient: expected %s of shape %s, got %s of shape %s"
              .formatted(
                  parameter.dtype(),
                  Shapes.text(parameter.shape()),
                  gradient.dtype(),
                  Shapes.text(gradient.shape())));
    }
    Tape.give(parameter.node(), gradient);
  }

  /**
   * {@return the Euclidean norm of all gradients together, as of one vector} Computed in f64, in
   * the order of the collection, without overflow: the same bits for any number of threads and on
   * every machine. 0 where there are no gradients; NaN where an element is NaN, else infinity where
   * one is infinite.
   *
   * @param parameters as {@code model.parameters().values()}; those without a gradient are left
   *     out, and one that is there twice counts once
   */
  public static double norm(Collection<Tensor> parameters) {
    return GradientClipping.norm(GradientClipping.holders(parameters));
  }

  /**
   * Multiplies all gradients by maxNorm / norm where their {@link #norm} is more than maxNorm, as
   * PyTorch's clip_grad_norm_, which adds 1e-6 to the norm (Pascanu, Mikolov and Bengio, 2013). A
   * product is computed in f64 and rounded once. Where the norm is NaN or infinite no gradient
   * changes: look at what this returns, and leave out the step.
   *
   * @param parameters as {@code model.parameters().values()}
   * @param maxNorm the largest norm to be left, finite and more than 0
   * @return the norm as it was before
   * @throws IllegalArgumentException if maxNorm is out of range
   */
  public static double clipNorm(Collection<Tensor> parameters, double maxNorm) {
    return GradientClipping.clipNorm(parameters, maxNorm);
  }

  /**
   * Makes each element of each gradient at least -limit and at most limit, as PyTorch's
   * clip_grad_value_. NaN stays NaN, infinity becomes limit.
   *
   * @param parameters as {@code model.parameters().values()}
   * @param limit the largest size of an element, finite and more than 0; rounded to the gradient's
   *     dtype
   * @throws IllegalArgumentException if limit is out of range
   */
  public static void clipValue(Collection<Tensor> parameters, double limit) {
    GradientClipping.clipValue(parameters, limit);
  }

  /**
   * Divides all gradients by the factor that backward was called with, where every element of all
   * of them is finite: those of f16 need it, whose small ones would be 0. A power of two leaves no
   * rounding. Where an element is NaN or infinite no gradient changes: leave out the step.
   *
   * @param parameters as {@code model.parameters().values()}
   * @param scale as in {@code loss.backward(scale)}, finite and more than 0
   * @return whether all elements are finite
   * @throws IllegalArgumentException if scale is out of range
   */
  public static boolean unscale(Collection<Tensor> parameters, double scale) {
    return GradientClipping.unscale(parameters, scale);
  }
}
