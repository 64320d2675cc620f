package io.github.jbatchnorm.nn;

import java.util.Arrays;

/**
 * A learning rate for each step or epoch, whichever its user counts, from 0 on: {@code
 * optimizer.learningRate(schedule.rate(step))}. Where the rate depends on how training goes: {@link
 * ReduceOnPlateau}.
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
    return step -> alongCosine(rate, last, (double) Math.min(step, steps) / steps);
  }

  /**
   * {@return one cycle (Smith and Topin, 2019, in PyTorch's form with cosines): from most / 25 up
   * to most in the first 30 % of the steps, and down to most / 250,000 in the others}
   *
   * @param most the largest rate
   * @param steps how many, 4 or more; the last rate stays
   * @throws IllegalArgumentException if steps is below 4
   */
  static Schedule oneCycle(double most, long steps) {
    if (steps < 4) {
      throw new IllegalArgumentException("steps: expected 4 or more, got " + steps);
    }
    return oneCycle(most / 25, most, most / 25 / 1e4, 0.3, steps);
  }

  /**
   * {@return one cycle: along half a cosine from {@code first} at step 0 to {@code most} at step
   * rising * steps - 1, between two steps where that is no whole number, and along another to
   * {@code last} at step steps - 1, where it stays}
   *
   * @param first the rate at the beginning
   * @param most the largest rate
   * @param last the rate at the end
   * @param rising the share of the steps in which the rate rises, more than 1 / steps and less than
   *     1
   * @param steps how many, 2 or more
   * @throws IllegalArgumentException if rising or steps is out of range
   */
  static Schedule oneCycle(double first, double most, double last, double rising, long steps) {
    if (steps < 2) {
      throw new IllegalArgumentException("steps: expected 2 or more, got " + steps);
    }
    double peak = rising * steps - 1;
    if (!(peak > 0) || rising >= 1) {
      throw new IllegalArgumentException(
          "rising: expected more than 1/%s (steps) and less than 1, got %s"
              .formatted(steps, rising));
    }
    return step -> {
      double at = Math.min(step, steps - 1);
      return at <= peak
          ? alongCosine(first, most, at / peak)
          : alongCosine(most, last, (at - peak) / (steps - 1 - peak));
    };
  }

  private static double alongCosine(double from, double to, double share) {
    return to + (from - to) * (1 + StrictMath.cos(Math.PI * share)) / 2;
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
