package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.Update;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Adam (Kingma and Ba, 2015): parameter = parameter - learningRate * m / (sqrt(v) + eps), where m
 * and v are averages of the gradient and its square, corrected for their start at 0; beta1 0.9,
 * beta2 0.999 and eps 1e-8. AdamW (Loshchilov and Hutter, 2019) takes the decay off the parameter
 * itself, learningRate * rate * parameter, where Adam adds it to the gradient.
 */
public final class Adam extends StepOptimizer {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPS = 1e-8;

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
    this(parameters, learningRate, WeightDecay.NONE, false);
  }

  private Adam(
      Map<String, Tensor> parameters, double learningRate, WeightDecay decay, boolean decoupled) {
    super(parameters, learningRate, "first", "second");
    this.decay = Objects.requireNonNull(decay, "decay");
    this.decoupled = decoupled;
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
    return new Adam(parameters, learningRate, decay, false);
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
    return new Adam(parameters, learningRate, decay, true);
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
        BETA1,
        BETA2,
        EPS,
        1 - StrictMath.pow(BETA1, (double) steps.get()),
        1 - StrictMath.pow(BETA2, (double) steps.get()),
        false);
  }

  @Override
  public void visit(StateVisitor visitor) {
    super.visit(visitor);
    visitor.count("steps", steps);
  }
}
