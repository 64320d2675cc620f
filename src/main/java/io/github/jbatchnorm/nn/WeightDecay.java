package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Objects;
import java.util.function.BiPredicate;

/**
 * How much parameters are drawn towards 0, and which of them.
 *
 * @param rate 0 for none
 * @param applies which parameters, by name and tensor
 */
public record WeightDecay(double rate, BiPredicate<String, Tensor> applies) {
  /** No decay. */
  public static final WeightDecay NONE = ofAll(0);

  /**
   * Checks the rate.
   *
   * @param rate the share of a weight that a step takes away, before the learning rate
   * @param applies which parameters, by name and tensor
   * @throws IllegalArgumentException if it is negative or not finite
   */
  public WeightDecay {
    Objects.requireNonNull(applies, "applies");
    if (!(rate >= 0) || Double.isInfinite(rate)) {
      throw new IllegalArgumentException("rate: expected a finite value of 0 or more, got " + rate);
    }
  }

  /**
   * {@return a decay of every parameter}
   *
   * @param rate the share of a weight that a step takes away, before the learning rate
   */
  public static WeightDecay ofAll(double rate) {
    return new WeightDecay(rate, (name, parameter) -> true);
  }

  /**
   * {@return a decay of the parameters with two axes or more: of weights and filters, and not of
   * gamma, beta and biases}
   *
   * @param rate the share of a weight that a step takes away, before the learning rate
   */
  public static WeightDecay ofWeights(double rate) {
    return new WeightDecay(rate, (name, parameter) -> parameter.ndim() > 1);
  }

  double of(String name, Tensor parameter) {
    return applies.test(name, parameter) ? rate : 0;
  }
}
