package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.Update;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Map;
import java.util.Objects;

/**
 * RMSProp (Tieleman and Hinton, 2012, in PyTorch's form): average = alpha * average + (1 - alpha) *
 * gradient^2, velocity = momentum * velocity + gradient / (sqrt(average) + eps), parameter =
 * parameter - learningRate * velocity; alpha 0.99 and eps 1e-8.
 */
public final class RmsProp extends StepOptimizer {
  private static final double ALPHA = 0.99;
  private static final double EPS = 1e-8;

  private final double momentum;
  private final WeightDecay decay;

  /**
   * Makes an optimizer.
   *
   * @param parameters what to change, by name
   * @param learningRate more than 0
   * @param momentum 0 (none) to less than 1
   * @param decay added to the gradient: rate * parameter
   * @throws IllegalArgumentException if a number is out of range
   */
  public RmsProp(
      Map<String, Tensor> parameters, double learningRate, double momentum, WeightDecay decay) {
    super(parameters, learningRate, "velocity", "average");
    this.momentum = Ranges.share("momentum", momentum);
    this.decay = Objects.requireNonNull(decay, "decay");
  }

  @Override
  Update update(String name, Tensor parameter, double rate) {
    double l2 = decay.of(name, parameter);
    return new Update(Update.Rule.RMSPROP, rate, l2, 0, momentum, ALPHA, EPS, 0, 0, false);
  }
}
