package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A part of a model. Trained by one thread at a time; evaluation changes no state, so that any
 * number of threads may evaluate a layer while none trains or loads it.
 *
 * <p>A layer of state of its own shows it in {@link #visit}; one that is made of others names them
 * in {@link #children}, which is all that optimizers, files and {@link Serving} need to find them.
 */
public interface Layer {
  /**
   * {@return the layer's output}
   *
   * @param x the input; its shape is the layer's matter
   * @param mode whether the layer trains or is evaluated
   */
  Tensor forward(Tensor x, Mode mode);

  /** {@return the layers inside by their names, in a fixed order; none by default} */
  default Map<String, Layer> children() {
    return Map.of();
  }

  /**
   * Shows the layer's state to a visitor, in a fixed order: by default that of its children, under
   * names that begin with theirs.
   *
   * @param visitor who is shown it
   */
  default void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor");
    children().forEach((name, layer) -> layer.visit(visitor.within(name + ".")));
  }

  /**
   * {@return the trainable tensors by name, in the layer's order} One that the layer has in several
   * places is there once, by the first of its names, as in PyTorch.
   *
   * @throws IllegalArgumentException if two parameters have the same name
   */
  default Map<String, Tensor> parameters() {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    for (State.Entry entry : State.of(this::visit)) {
      if (entry.trained() && entry.tensor() != null) {
        parameters.put(entry.name(), entry.tensor());
      }
    }
    return Collections.unmodifiableMap(parameters);
  }

  /**
   * {@return a layer without batch norms that evaluates to the same, as {@link Serving#folded}
   * does: by default this one, in which there must be none} A layer that has batch norms inside and
   * can do without them overrides it.
   *
   * @param name what the names of the layer's state begin with, for messages: empty, or with a dot
   *     at the end
   * @throws IllegalArgumentException if a batch norm cannot be folded; the message names it
   */
  default Layer folded(String name) {
    Objects.requireNonNull(name, "name");
    return Folding.withoutBatchNorm(name, this);
  }

  /** {@return a table of the layers inside and their parameters, as {@link #summary(int...)}} */
  default String summary() {
    return Summary.of(this, null);
  }

  /**
   * {@return a table of the layers inside, the shapes of their outputs and their parameters, with
   * the totals at its end} The model is evaluated once, on zeros; a layer that is called neither by
   * a {@link Sequential} nor is one of this package has no shape in the table.
   *
   * @param shape of the input, f32, with its axis of samples
   * @throws IllegalArgumentException if a layer does not take what it gets, in the layer's words
   */
  default String summary(int... shape) {
    Objects.requireNonNull(shape, "shape");
    return Summary.of(this, OutputShapes.of(this, shape));
  }
}
