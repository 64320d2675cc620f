package io.github.jbatchnorm.nn;

import java.util.Arrays;

/**
 * A learning rate for each step or epoch, whichever its user counts, from 0 on: {@code
 * optimizer.learningRate(schedule.rate(step))}.
 */
@FunctionalInterface
public interface Schedule {
  /**
   * {@return the learning rate of a step}
   *
   * @param step from 0
   */
  double rate(long step);

  /**
   * {@return the same rate for every step}
   *
   * @param rate the learning rate
   */
  static Schedule constant(double rate) {
    return step -> rate;
  }

  /**
   * {@return a rate that is multiplied by a factor after each step}
   *
   * @param rate the learning rate
   * @param factor by which the rate is multiplied
   */
  static Schedule exponential(double rate, double factor) {
    return step -> rate * StrictMath.pow(factor, (double) step);
  }

  /**
   * {@return a rate that is multiplied by a factor at each of some steps}
   *
   * @param rate the learning rate
   * @param factor by which the rate is multiplied
   * @param milestones the steps, ascending
   */
  static Schedule steps(double rate, double factor, long... milestones) {
    long[] at = milestones.clone();
    return step ->
        rate * StrictMath.pow(factor, (double) Arrays.stream(at).filter(m -> m <= step).count());
  }

  /**
   * {@return a rate that falls along half a cosine to another (Loshchilov and Hutter, 2017)}
   *
   * @param rate the learning rate
   * @param last the rate at the end
   * @param steps after how many; it stays there
   * @throws IllegalArgumentException if steps is below 1
   */
  static Schedule cosine(double rate, double last, long steps) {
    if (steps < 1) {
      throw new IllegalArgumentException("steps: expected 1 or more, got " + steps);
    }
    return step -> {
      double share = (double) Math.min(step, steps) / steps;
      return last + (rate - last) * (1 + StrictMath.cos(Math.PI * share)) / 2;
    };
  }

  /**
   * {@return this schedule after a warm-up: so many steps in which the rate grows evenly to this
   * schedule's first}
   *
   * @param warmup steps from 0 to the first rate
   */
  default Schedule after(long warmup) {
    return step -> step < warmup ? rate(0) * (step + 1) / (warmup + 1) : rate(step - warmup);
  }
}
