package io.github.jbatchnorm.nn;

import java.util.Objects;

/**
 * Ends training when the validation loss has stopped falling (Prechelt, 1998):
 *
 * <pre>{@code
 * EarlyStopping stopping = new EarlyStopping(5, 0);
 * for (int epoch = 1; !stopping.isOver(); epoch++) {
 *   if (stopping.observe(validationLoss(model))) {
 *     best = StateFile.save(model::visit); // to go back to
 *   }
 * }
 * }</pre>
 *
 * <p>For a figure that grows, as accuracy, observe its negative. Used by one thread at a time.
 */
public final class EarlyStopping {
  private final Patience patience;

  /**
   * Makes one that has seen no loss.
   *
   * @param patience how many epochs in a row without a gain are let pass; the next one ends
   *     training. Keras's patience is one more
   * @param leastGain by how much a loss must be below the best one to be a gain, 0 or more
   * @throws IllegalArgumentException if a number is out of range
   */
  public EarlyStopping(int patience, double leastGain) {
    this.patience = new Patience(patience, leastGain);
  }

  /**
   * Takes the loss of an epoch. NaN is no gain.
   *
   * @param loss to become small
   * @return whether it is a gain: the best one so far
   */
  public boolean observe(double loss) {
    return patience.gains(loss);
  }

  /** {@return whether training should end: until there is a gain again} */
  public boolean isOver() {
    return patience.isOver();
  }

  /** {@return the best loss so far, infinity at first} */
  public double best() {
    return patience.best();
  }

  /**
   * Shows the state to a visitor, so that training resumed goes on as it would have.
   *
   * @param visitor who is shown it
   */
  public void visit(StateVisitor visitor) {
    patience.visit(Objects.requireNonNull(visitor, "visitor"));
  }
}
