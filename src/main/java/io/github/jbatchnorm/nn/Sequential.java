package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Layers one after the other, each with a name. */
public final class Sequential implements Layer {
  private final Map<String, Layer> layers;

  private Sequential(Map<String, Layer> layers) {
    this.layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
  }

  /** Collects layers in order. */
  public static final class Builder {
    private final Map<String, Layer> layers = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Adds a layer.
     *
     * @param name what it is called
     * @param layer the layer
     * @return this, for the next option
     * @throws IllegalArgumentException if the name is taken
     */
    public Builder add(String name, Layer layer) {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(layer, "layer");
      if (layers.putIfAbsent(name, layer) != null) {
        throw new IllegalArgumentException("name: %s is taken".formatted(name));
      }
      return this;
    }

    /**
     * Adds a function without state, as in {@code add("relu1", Tensor::relu)}.
     *
     * @param name what it is called
     * @param function from the layer's input to its output
     * @return this, for the next option
     */
    public Builder add(String name, UnaryOperator<Tensor> function) {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(function, "function");
      return add(name, (Layer) (x, mode) -> function.apply(x));
    }

    /** {@return the model} */
    public Sequential build() {
      return new Sequential(layers);
    }
  }

  /** {@return a builder without layers} */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the layers by name, in order. */
  @Override
  public Map<String, Layer> children() {
    return layers;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    Tensor y = x;
    for (Layer layer : layers.values()) {
      y = OutputShapes.seen(layer, layer.forward(y, mode));
    }
    return OutputShapes.seen(this, y);
  }

  @Override
  public Sequential folded(String name) {
    Objects.requireNonNull(name, "name");
    Map<String, Layer> result = new LinkedHashMap<>();
    String before = null;
    for (Map.Entry<String, Layer> entry : layers.entrySet()) {
      String at = entry.getKey();
      Layer layer = entry.getValue();
      Layer together =
          before != null && layer instanceof BatchNorm norm
              ? together(name + at, layers.get(before), norm)
              : null;
      if (before == null || together == null) {
        result.put(at, layer.folded(name + at + "."));
      } else {
        result.put(before, together);
        double slope = ((BatchNorm) layer).options().slope();
        if (slope != 1) {
          result.put(at, (x, mode) -> x.leakyRelu(slope));
        }
      }
      before = at;
    }
    return new Sequential(result);
  }

  /** Returns two layers in one, or null where the first has no weights to fold into. */
  private static @Nullable Layer together(String name, @Nullable Layer before, BatchNorm norm) {
    if (before instanceof Conv conv) {
      return conv.folded(name, norm);
    }
    return before instanceof Dense dense ? dense.folded(name, norm) : null;
  }

  /** Returns the layers with their options, one a line, as PyTorch does. */
  @Override
  public String toString() {
    return LayerText.tree("Sequential", layers);
  }
}
