package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.Update;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Adam (Kingma and Ba, 2015): parameter = parameter - learningRate * m / (sqrt(v) + eps), where m
 * and v are averages of the gradient and its square, corrected for their start at 0; beta1 0.9,
 * beta2 0.999 and eps 1e-8 unless {@link #builder} is told others. AdamW (Loshchilov and Hutter,
 * 2019) takes the decay off the parameter itself, learningRate * rate * parameter, where Adam adds
 * it to the gradient.
 */
public final class Adam extends StepOptimizer {
  private final double beta1;
  private final double beta2;
  private final double eps;
  private final WeightDecay decay;
  private final boolean decoupled;
  private final AtomicLong steps = new AtomicLong();

  /**
   * Makes an optimizer without decay.
   *
   * @param parameters what to change, by name
   * @param learningRate more than 0
   * @throws IllegalArgumentException if learningRate is not
   */
  public Adam(Map<String, Tensor> parameters, double learningRate) {
    this(builder(parameters, learningRate));
  }

  private Adam(Builder builder) {
    super(builder.parameters, builder.learningRate, "first", "second");
    this.beta1 = builder.beta1;
    this.beta2 = builder.beta2;
    this.eps = builder.eps;
    this.decay = builder.decay;
    this.decoupled = builder.decoupled;
  }

  /**
   * {@return a builder of an optimizer with other numbers than the usual ones}
   *
   * @param parameters what is trained, by name
   * @param learningRate the step size, more than 0
   */
  public static Builder builder(Map<String, Tensor> parameters, double learningRate) {
    return new Builder(parameters, learningRate);
  }

  /**
   * {@return an optimizer that adds the decay to the gradient}
   *
   * @param parameters what is trained, by name
   * @param learningRate the step size
   * @param decay how weights are pulled to 0
   */
  public static Adam withDecay(
      Map<String, Tensor> parameters, double learningRate, WeightDecay decay) {
    return builder(parameters, learningRate).decay(decay).build();
  }

  /**
   * {@return AdamW}
   *
   * @param parameters what is trained, by name
   * @param learningRate the step size
   * @param decay how weights are pulled to 0
   */
  public static Adam decoupled(
      Map<String, Tensor> parameters, double learningRate, WeightDecay decay) {
    return builder(parameters, learningRate).decoupledDecay(decay).build();
  }

  @Override
  void begin() {
    steps.incrementAndGet();
  }

  @Override
  Update update(String name, Tensor parameter, double rate) {
    double found = decay.of(name, parameter);
    return new Update(
        Update.Rule.ADAM,
        rate,
        decoupled ? 0 : found,
        decoupled ? found : 0,
        beta1,
        beta2,
        eps,
        1 - StrictMath.pow(beta1, (double) steps.get()),
        1 - StrictMath.pow(beta2, (double) steps.get()),
        false);
  }

  @Override
  public void visit(StateVisitor visitor) {
    super.visit(visitor);
    visitor.count("steps", steps);
  }

  /** Builds an {@link Adam}. */
  public static final class Builder {
    private final Map<String, Tensor> parameters;
    private final double learningRate;
    private double beta1 = 0.9;
    private double beta2 = 0.999;
    private double eps = 1e-8;
    private WeightDecay decay = WeightDecay.NONE;
    private boolean decoupled;

    private Builder(Map<String, Tensor> parameters, double learningRate) {
      this.parameters = Objects.requireNonNull(parameters, "parameters");
      this.learningRate = Ranges.positive("learningRate", learningRate);
    }

    /**
     * Sets the weights of the old averages.
     *
     * @param beta1 of the gradient's, 0 or more and less than 1; 0.9 by default
     * @param beta2 of its square's, likewise; 0.999 by default
     * @return this
     * @throws IllegalArgumentException if one is out of range
     */
    public Builder betas(double beta1, double beta2) {
      this.beta1 = Ranges.share("beta1", beta1);
      this.beta2 = Ranges.share("beta2", beta2);
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
     * Adds a decay to the gradient.
     *
     * @param decay how weights are pulled to 0; replaces an earlier decay
     * @return this
     */
    public Builder decay(WeightDecay decay) {
      this.decay = Objects.requireNonNull(decay, "decay");
      decoupled = false;
      return this;
    }

    /**
     * Takes a decay off the parameters themselves: AdamW.
     *
     * @param decay how weights are pulled to 0; replaces an earlier decay
     * @return this
     */
    public Builder decoupledDecay(WeightDecay decay) {
      this.decay = Objects.requireNonNull(decay, "decay");
      decoupled = true;
      return this;
    }

    /** {@return the optimizer} */
    public Adam build() {
      return new Adam(this);
    }
  }
}
