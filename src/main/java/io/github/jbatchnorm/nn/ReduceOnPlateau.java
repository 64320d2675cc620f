package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Objects;

/**
 * A learning rate that is reduced when the validation loss has stopped falling, as PyTorch's
 * ReduceLROnPlateau with {@code threshold_mode='abs'}:
 *
 * <pre>{@code
 * ReduceOnPlateau plateau = new ReduceOnPlateau(0.1, 0.5, 3, 0, 1e-5);
 * for (int epoch = 1; epoch <= epochs; epoch++) {
 *   optimizer.learningRate(plateau.after(validationLoss(model)));
 * }
 * }</pre>
 *
 * <p>For a figure that grows, as accuracy, give its negative. Used by one thread at a time.
 */
public final class ReduceOnPlateau {
  private final double factor;
  private final double least;
  private final Patience patience;
  private final Tensor rate;

  /**
   * Makes one that has seen no loss.
   *
   * @param rate the learning rate at first, more than 0
   * @param factor by which the rate is multiplied, more than 0 and less than 1
   * @param patience how many epochs in a row without a gain are let pass; the next one reduces the
   *     rate, and the count begins anew
   * @param leastGain by how much a loss must be below the best one to be a gain, 0 or more
   * @param least the rate is not reduced below it, more than 0 and at most {@code rate}
   * @throws IllegalArgumentException if a number is out of range
   */
  public ReduceOnPlateau(double rate, double factor, int patience, double leastGain, double least) {
    Ranges.positive("rate", rate);
    this.factor = Ranges.share("factor", Ranges.positive("factor", factor));
    this.least = Ranges.positive("least", least);
    if (least > rate) {
      throw new IllegalArgumentException(
          "least: expected at most %s (rate), got %s".formatted(rate, least));
    }
    this.patience = new Patience(patience, leastGain);
    this.rate = Patience.number(rate);
  }

  /** {@return the learning rate now} */
  public double rate() {
    return rate.item();
  }

  /**
   * Takes the loss of an epoch. NaN is no gain.
   *
   * @param loss to become small
   * @return the learning rate from now on
   */
  public double after(double loss) {
    if (!patience.gains(loss) && patience.isOver()) {
      double reduced = Math.max(rate() * factor, least);
      rate.update(storage -> storage.set(0, reduced));
      patience.renew();
    }
    return rate();
  }

  /**
   * Shows the state to a visitor, so that training resumed goes on as it would have.
   *
   * @param visitor who is shown it
   */
  public void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor").statistic("rate", rate);
    patience.visit(visitor);
  }
}
