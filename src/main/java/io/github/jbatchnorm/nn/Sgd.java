package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.Update;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Map;
import java.util.Objects;

/**
 * Stochastic gradient descent with momentum: velocity = momentum * velocity + gradient, parameter =
 * parameter - learningRate * velocity; with Nesterov's momentum, learningRate * (gradient +
 * momentum * velocity) (Sutskever et al., 2013, in PyTorch's form).
 */
public final class Sgd extends StepOptimizer {
  private final double momentum;
  private final boolean nesterov;
  private final WeightDecay decay;

  /**
   * Makes an optimizer.
   *
   * @param parameters what to change, by name
   * @param learningRate more than 0
   * @param momentum 0 (none) to less than 1
   * @throws IllegalArgumentException if a number is out of range
   */
  public Sgd(Map<String, Tensor> parameters, double learningRate, double momentum) {
    this(parameters, learningRate, momentum, false, WeightDecay.NONE);
  }

  /**
   * As {@link #Sgd(Map, double, double)}, with more.
   *
   * @param parameters what is trained, by name
   * @param learningRate the step size
   * @param momentum 0 or more and less than 1
   * @param nesterov whether momentum looks ahead
   * @param decay added to the gradient: rate * parameter
   */
  public Sgd(
      Map<String, Tensor> parameters,
      double learningRate,
      double momentum,
      boolean nesterov,
      WeightDecay decay) {
    super(parameters, learningRate, "velocity");
    this.momentum = Ranges.share("momentum", momentum);
    this.nesterov = nesterov;
    this.decay = Objects.requireNonNull(decay, "decay");
  }

  @Override
  Update update(String name, Tensor parameter, double rate) {
    double l2 = decay.of(name, parameter);
    return new Update(Update.Rule.SGD, rate, l2, 0, momentum, 0, 0, 0, 0, nesterov);
  }
}
