package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Update;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Stream;

/**
 * An optimizer that keeps tensors beside each parameter, all changed in one pass. A parameter of
 * several names is one, by the first of them.
 */
abstract class StepOptimizer implements Optimizer {
  private final Map<String, Tensor> parameters;
  private final Map<String, List<Tensor>> states = new LinkedHashMap<>();
  private final List<String> stateNames;
  private Map<String, Double> factors = Map.of();
  private double learningRate;

  /** Makes an optimizer whose state, 0 at first, is one or two tensors a parameter. */
  StepOptimizer(Map<String, Tensor> parameters, double learningRate, String... stateNames) {
    this.parameters = distinct(Objects.requireNonNull(parameters, "parameters"));
    this.learningRate = Ranges.positive("learningRate", learningRate);
    this.stateNames = List.of(stateNames);
    this.parameters.forEach(
        (name, p) ->
            states.put(
                name,
                Stream.of(stateNames).map(state -> Tensor.zeros(p.dtype(), p.shape())).toList()));
  }

  private static Map<String, Tensor> distinct(Map<String, Tensor> parameters) {
    Map<String, Tensor> distinct = new LinkedHashMap<>();
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    parameters.forEach(
        (name, parameter) -> {
          if (seen.add(parameter)) {
            distinct.put(name, parameter);
          }
        });
    return distinct;
  }

  /** Returns what is done to a parameter in this step. */
  abstract Update update(String name, Tensor parameter, double rate);

  /** Is called at the beginning of each step. */
  void begin() {}

  @Override
  public final void step() {
    begin();
    states.forEach(
        (name, state) -> {
          Tensor parameter = parameters.get(name);
          Tensor grad = parameter.grad();
          if (grad != null) {
            Update update = update(name, parameter, learningRate * factors.getOrDefault(name, 1.0));
            Storage one = state.get(0).storage();
            Storage two = state.get(state.size() - 1).storage();
            parameter.update(
                storage ->
                    ArrayKernels.current().update(update, storage, grad.storage(), one, two));
          }
        });
  }

  @Override
  public final void learningRate(double rate) {
    learningRate = Ranges.positive("rate", rate);
  }

  @Override
  public final void rateFactors(ToDoubleBiFunction<String, Tensor> wanted) {
    Objects.requireNonNull(wanted, "factors");
    Map<String, Double> found = new HashMap<>();
    parameters.forEach(
        (name, parameter) ->
            found.put(
                name, Ranges.positive("factors: " + name, wanted.applyAsDouble(name, parameter))));
    factors = found;
  }

  @Override
  public void visit(StateVisitor visitor) {
    states.forEach(
        (name, state) -> {
          for (int i = 0; i < stateNames.size(); i++) {
            visitor.statistic(name + "." + stateNames.get(i), state.get(i));
          }
        });
  }
}
