package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collection;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The factor of the loss in training with f16, as large as goes, so that small gradients are not
 * lost below f16's range (Micikevicius et al., 2018): halved where a gradient is not finite, and
 * the step left out; doubled after a number of good steps in a row.
 *
 * <pre>{@code
 * LossScale scale = new LossScale();
 * Tensor scores = model.forward(x.astype(DType.F16), Mode.TRAINING).astype(DType.F32);
 * Losses.softmaxCrossentropy(scores, labels).backward(scale.value());
 * if (scale.unscale(model.parameters().values())) {
 *   optimizer.step();
 * }
 * }</pre>
 *
 * <p>The model's parameters are f32, and so are their gradients: layers round the former to 16 bits
 * for each call. bf16 has f32's range, and needs no scale. Used by one thread at a time.
 */
public final class LossScale {
  private static final double FIRST = 65536;
  private static final int GOOD_STEPS = 2000;

  private final Tensor value;
  private final int goodSteps;
  private final AtomicLong good = new AtomicLong();

  /** Makes one of 65536 that doubles after 2000 good steps, PyTorch's numbers. */
  public LossScale() {
    this(FIRST, GOOD_STEPS);
  }

  /**
   * Makes one.
   *
   * @param first the factor at first: a power of two, which leaves no rounding, from 1 to 2^100
   * @param goodSteps after how many good steps in a row it doubles, 1 or more
   * @throws IllegalArgumentException if a number is out of range
   */
  public LossScale(double first, int goodSteps) {
    if (!(first >= 1 && first <= 0x1p100) || first != Math.scalb(1.0, Math.getExponent(first))) {
      throw new IllegalArgumentException(
          "first: expected a power of two from 1 to 2^100, got " + first);
    }
    if (goodSteps < 1) {
      throw new IllegalArgumentException("goodSteps: expected 1 or more, got " + goodSteps);
    }
    this.value = Patience.number(first);
    this.goodSteps = goodSteps;
  }

  /** {@return the factor for the next backward} */
  public double value() {
    return value.item();
  }

  /**
   * Divides the gradients by the factor, where all of them are finite; clip them afterwards.
   *
   * @param parameters as {@code model.parameters().values()}
   * @return whether they are finite: where not, leave out the step; the next factor is half of this
   *     one, but at least 1
   */
  public boolean unscale(Collection<Tensor> parameters) {
    double now = value();
    boolean finite = Gradients.unscale(parameters, now);
    if (!finite) {
      good.set(0);
      set(Math.max(1, now / 2));
    } else if (good.incrementAndGet() >= goodSteps) {
      good.set(0);
      set(Math.min(0x1p100, now * 2));
    }
    return finite;
  }

  private void set(double next) {
    value.update(storage -> storage.set(0, next));
  }

  /**
   * Shows the state to a visitor, so that training resumed goes on as it would have.
   *
   * @param visitor who is shown it
   */
  public void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor").statistic("value", value);
    visitor.count("good", good);
  }
}
