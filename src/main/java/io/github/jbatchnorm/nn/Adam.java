package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Adam (Kingma and Ba, 2015): parameter = parameter - learningRate * m / (sqrt(v) + eps), where m
 * and v are averages of the gradient and its square, corrected for their start at 0.
 */
public final class Adam implements Optimizer {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPS = 1e-8;

  /** The two averages of one parameter's gradient. */
  private record Averages(Tensor first, Tensor second) {}

  private final Map<String, Tensor> parameters;
  private final Map<String, Averages> averages = new LinkedHashMap<>();
  private double learningRate;
  private long steps;

  /**
   * Makes an optimizer with beta1 0.9, beta2 0.999 and eps 1e-8.
   *
   * @param parameters what to change, by name
   * @param learningRate more than 0
   * @throws IllegalArgumentException if learningRate is not
   */
  public Adam(Map<String, Tensor> parameters, double learningRate) {
    this.parameters = Map.copyOf(parameters);
    this.learningRate = Ranges.positive("learningRate", learningRate);
    parameters.forEach(
        (name, p) ->
            averages.put(
                name,
                new Averages(
                    Tensor.zeros(p.dtype(), p.shape()), Tensor.zeros(p.dtype(), p.shape()))));
  }

  @Override
  public void step() {
    steps++;
    averages.forEach(
        (name, average) -> {
          Tensor parameter = parameters.get(name);
          Tensor grad = parameter.grad();
          if (grad != null) {
            step(parameter, grad, average);
          }
        });
  }

  private void step(Tensor parameter, Tensor grad, Averages average) {
    double correction1 = 1 - StrictMath.pow(BETA1, (double) steps);
    double correction2 = 1 - StrictMath.pow(BETA2, (double) steps);
    double[] g = grad.toDoubleArray();
    double[] m = average.first().toDoubleArray();
    double[] v = average.second().toDoubleArray();
    double[] p = parameter.toDoubleArray();
    for (int i = 0; i < p.length; i++) {
      m[i] = BETA1 * m[i] + (1 - BETA1) * g[i];
      v[i] = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
      p[i] -= learningRate * (m[i] / correction1) / (Math.sqrt(v[i] / correction2) + EPS);
    }
    average.first().update(storage -> storage.write(0, m, 0, m.length));
    average.second().update(storage -> storage.write(0, v, 0, v.length));
    parameter.update(storage -> storage.write(0, p, 0, p.length));
  }

  @Override
  public void learningRate(double rate) {
    learningRate = Ranges.positive("rate", rate);
  }

  @Override
  public void visit(StateVisitor visitor) {
    averages.forEach(
        (name, average) -> {
          visitor.statistic(name + ".first", average.first());
          visitor.statistic(name + ".second", average.second());
        });
    visitor.count("steps", () -> steps, count -> steps = count);
  }
}
