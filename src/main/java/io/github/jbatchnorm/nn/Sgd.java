package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Stochastic gradient descent with momentum: velocity = momentum * velocity + gradient, parameter =
 * parameter - learningRate * velocity (Sutskever et al., 2013, in PyTorch's form).
 */
public final class Sgd implements Optimizer {
  private final Map<String, Tensor> parameters;
  private final Map<String, Tensor> velocities = new LinkedHashMap<>();
  private double learningRate;
  private final double momentum;

  /**
   * Makes an optimizer.
   *
   * @param parameters what to change, by name
   * @param learningRate more than 0
   * @param momentum 0 (none) to less than 1
   * @throws IllegalArgumentException if a number is out of range
   */
  public Sgd(Map<String, Tensor> parameters, double learningRate, double momentum) {
    this.parameters = Map.copyOf(parameters);
    this.learningRate = Ranges.positive("learningRate", learningRate);
    this.momentum = Ranges.share("momentum", momentum);
    parameters.forEach((name, p) -> velocities.put(name, Tensor.zeros(p.dtype(), p.shape())));
  }

  @Override
  public void step() {
    velocities.forEach(
        (name, velocity) -> {
          Tensor parameter = parameters.get(name);
          Tensor grad = parameter.grad();
          if (grad != null) {
            step(parameter, grad, velocity);
          }
        });
  }

  private void step(Tensor parameter, Tensor grad, Tensor velocity) {
    double[] g = grad.toDoubleArray();
    double[] v = velocity.toDoubleArray();
    double[] p = parameter.toDoubleArray();
    for (int i = 0; i < p.length; i++) {
      v[i] = momentum * v[i] + g[i];
      p[i] -= learningRate * v[i];
    }
    velocity.update(storage -> storage.write(0, v, 0, v.length));
    parameter.update(storage -> storage.write(0, p, 0, p.length));
  }

  @Override
  public void learningRate(double rate) {
    learningRate = Ranges.positive("rate", rate);
  }

  @Override
  public void visit(StateVisitor visitor) {
    velocities.forEach((name, velocity) -> visitor.statistic(name + ".velocity", velocity));
  }
}
