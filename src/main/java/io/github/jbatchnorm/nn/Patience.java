package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.concurrent.atomic.AtomicLong;

/** The lowest loss so far, and how many epochs in a row were not below it. */
final class Patience {
  private final long most;
  private final double leastGain;
  private final Tensor best;
  private final AtomicLong waited = new AtomicLong();

  /**
   * Begins with the best loss at infinity.
   *
   * @param most how many epochs in a row may pass without a gain, 0 or more
   * @param leastGain by how much a loss must be below the best one to be a gain, 0 or more
   */
  Patience(long most, double leastGain) {
    if (most < 0) {
      throw new IllegalArgumentException("patience: expected 0 or more, got " + most);
    }
    this.most = most;
    this.leastGain = Ranges.notNegative("leastGain", leastGain);
    this.best = number(Double.POSITIVE_INFINITY);
  }

  /** Returns a constant that files keep, and that no scope ends. */
  static Tensor number(double value) {
    Tensor number = MemoryScope.outside(() -> Tensor.zeros(DType.F64)).asConstant();
    number.update(storage -> storage.set(0, value));
    return number;
  }

  /** Takes an epoch's loss; NaN is no gain. Returns whether it is a gain. */
  boolean gains(double loss) {
    boolean gain = loss < best() - leastGain;
    if (gain) {
      best.update(storage -> storage.set(0, loss));
      waited.set(0);
    } else {
      waited.incrementAndGet();
    }
    return gain;
  }

  /** Returns whether more epochs have passed than may. */
  boolean isOver() {
    return waited.get() > most;
  }

  /** Begins to wait anew. */
  void renew() {
    waited.set(0);
  }

  double best() {
    return best.item();
  }

  void visit(StateVisitor visitor) {
    visitor.statistic("best", best);
    visitor.count("waited", waited);
  }
}
