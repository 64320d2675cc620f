package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** The trainable tensors of a model. */
public final class Parameters {
  private Parameters() {}

  /**
   * Returns the parameters of a model by name, in its order. One that the model has in several
   * places is there once, by the first of its names, as in PyTorch.
   *
   * @throws IllegalArgumentException if two parameters have the same name
   */
  public static Map<String, Tensor> of(Layer model) {
    Objects.requireNonNull(model, "model");
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    for (State.Entry entry : State.of(model::visit)) {
      if (entry.trained() && entry.tensor() != null) {
        parameters.put(entry.name(), entry.tensor());
      }
    }
    return Collections.unmodifiableMap(parameters);
  }
}
