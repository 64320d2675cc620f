package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The model of an ONNX file, a layer as any other: it evaluates, trains, and has its state under
 * the names of the file's tensors. Convolutions, batch norms and dense layers are layers inside,
 * named as their weights without {@code .weight}; what is left are functions and parameters of this
 * layer's own. The mode, not the file, says whether batch norms take the batch's statistics and
 * dropout drops; a batch norm that takes the batch's statistics in the file, and whose running ones
 * are no output of it, tracks none.
 */
public final class OnnxNetwork implements Layer {
  /** What a node computes. */
  @FunctionalInterface
  interface Function {
    Tensor apply(Tensor[] inputs, Mode mode);
  }

  /** One node: what it computes from values, by their numbers. */
  static final class Step {
    private final String text;
    private final Function function;
    private final int[] inputs;
    private final int output;

    Step(String text, Function function, int[] inputs, int output) {
      this.text = text;
      this.function = function;
      this.inputs = inputs;
      this.output = output;
    }

    Tensor apply(@Nullable Tensor[] values, Mode mode) {
      Tensor[] taken = new Tensor[inputs.length];
      for (int i = 0; i < taken.length; i++) {
        taken[i] = Objects.requireNonNull(values[inputs[i]]);
      }
      try {
        return function.apply(taken, mode);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(text + ": " + e.getMessage(), e);
      }
    }
  }

  private final List<Step> steps;
  private final Map<String, Layer> layers;
  private final Map<String, Tensor> parameters;
  private final @Nullable Tensor[] values;
  private final int output;

  /** The last step that takes a value, by the value's number. */
  private final int[] lastUse;

  /**
   * Makes a network.
   *
   * @param values what is known before x is: value 0 is x
   */
  OnnxNetwork(
      List<Step> steps,
      Map<String, Layer> layers,
      Map<String, Tensor> parameters,
      @Nullable Tensor[] values,
      int output) {
    this.steps = List.copyOf(steps);
    this.layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
    this.parameters = new LinkedHashMap<>(parameters);
    this.values = values;
    this.output = output;
    this.lastUse = new int[values.length];
    for (int i = 0; i < steps.size(); i++) {
      for (int input : steps.get(i).inputs) {
        lastUse[input] = i;
      }
    }
  }

  static OnnxNetwork of(Object where, OnnxFile file) throws FileFormatException {
    return new Import(where, file).network();
  }

  @Override
  public Map<String, Layer> children() {
    return layers;
  }

  @Override
  public void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor");
    parameters.forEach(visitor::parameter);
    layers.forEach((name, layer) -> layer.visit(visitor.within(name + ".")));
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    @Nullable Tensor[] all = values.clone();
    all[0] = x;
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      all[step.output] = step.apply(all, mode);
      for (int input : step.inputs) {
        if (lastUse[input] == i && input != output) {
          all[input] = null; // its memory may go
        }
      }
    }
    return Objects.requireNonNull(all[output]);
  }

  @Override
  public String toString() {
    return steps.stream()
        .map(step -> step.text)
        .collect(Collectors.joining("\n  ", "OnnxNetwork(\n  ", "\n)"));
  }
}
