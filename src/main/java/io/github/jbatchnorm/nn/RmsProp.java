package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.Update;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Map;
import java.util.Objects;

/**
 * RMSProp (Tieleman and Hinton, 2012, in PyTorch's form): average = alpha * average + (1 - alpha) *
 * gradient^2, velocity = momentum * velocity + gradient / (sqrt(average) + eps), parameter =
 * parameter - learningRate * velocity; alpha 0.99 and eps 1e-8 unless {@link #builder} is told
 * others.
 */
public final class RmsProp extends StepOptimizer {
  private final double alpha;
  private final double eps;
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
    this(builder(parameters, learningRate).momentum(momentum).decay(decay));
  }

  private RmsProp(Builder builder) {
    super(builder.parameters, builder.learningRate, "velocity", "average");
    this.alpha = builder.alpha;
    this.eps = builder.eps;
    this.momentum = builder.momentum;
    this.decay = builder.decay;
  }

  /**
   * {@return a builder of an optimizer without momentum and decay, unless it is told of them}
   *
   * @param parameters what is trained, by name
   * @param learningRate the step size, more than 0
   */
  public static Builder builder(Map<String, Tensor> parameters, double learningRate) {
    return new Builder(parameters, learningRate);
  }

  @Override
  Update update(String name, Tensor parameter, double rate) {
    double l2 = decay.of(name, parameter);
    return new Update(Update.Rule.RMSPROP, rate, l2, 0, momentum, alpha, eps, 0, 0, false);
  }

  /** Builds a {@link RmsProp}. */
  public static final class Builder {
    private final Map<String, Tensor> parameters;
    private final double learningRate;
    private double alpha = 0.99;
    private double eps = 1e-8;
    private double momentum;
    private WeightDecay decay = WeightDecay.NONE;

    private Builder(Map<String, Tensor> parameters, double learningRate) {
      this.parameters = Objects.requireNonNull(parameters, "parameters");
      this.learningRate = Ranges.positive("learningRate", learningRate);
    }

    /**
     * Sets the weight of the old average of the squares.
     *
     * @param alpha 0 or more and less than 1; 0.99 by default
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder alpha(double alpha) {
      this.alpha = Ranges.share("alpha", alpha);
      return this;
    }

    /**
     * Sets what is added to the root.
     *
     * @param eps finite and more than 0; 1e-8 by default
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder eps(double eps) {
      this.eps = Ranges.positive("eps", eps);
      return this;
    }

    /**
     * Sets the weight of the old velocity.
     *
     * @param momentum 0 or more and less than 1; 0 by default
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder momentum(double momentum) {
      this.momentum = Ranges.share("momentum", momentum);
      return this;
    }

    /**
     * Adds a decay to the gradient.
     *
     * @param decay how weights are pulled to 0
     * @return this
     */
    public Builder decay(WeightDecay decay) {
      this.decay = Objects.requireNonNull(decay, "decay");
      return this;
    }

    /** {@return the optimizer} */
    public RmsProp build() {
      return new RmsProp(this);
    }
  }
}
