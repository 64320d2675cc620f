package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;

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

    /** Adds a function without state, as in {@code add("relu1", Tensor::relu)}. */
    public Builder add(String name, UnaryOperator<Tensor> function) {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(function, "function");
      return add(name, (Layer) (x, mode) -> function.apply(x));
    }

    /** Returns the model. */
    public Sequential build() {
      return new Sequential(layers);
    }
  }

  /** Returns a builder without layers. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the layers by name, in order. */
  public Map<String, Layer> layers() {
    return layers;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    Tensor y = x;
    for (Layer layer : layers.values()) {
      y = layer.forward(y, mode);
    }
    return y;
  }

  @Override
  public void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor");
    layers.forEach((name, layer) -> layer.visit(visitor.within(name + ".")));
  }
}
