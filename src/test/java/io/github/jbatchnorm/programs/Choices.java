package io.github.jbatchnorm.programs;

import java.util.SplittableRandom;

/** Decisions, one number each; 0 once they are used up, so that fewer numbers are less program. */
final class Choices {
  static final int MOST = 1 << 16;

  private final int[] numbers;
  private int next;

  Choices(int... numbers) {
    this.numbers = numbers.clone();
  }

  boolean areLeft() {
    return next < numbers.length;
  }

  private int take() {
    return areLeft() ? numbers[next++] : 0;
  }

  /** Returns one of 0 to bound - 1. */
  int below(int bound) {
    return take() % bound;
  }

  boolean flag() {
    return below(2) == 1;
  }

  /** Returns true once in so many times. */
  boolean rarely(int times) {
    return below(times) == times - 1;
  }

  /** Returns a number of a range. */
  double between(double low, double high) {
    return low + (high - low) * take() / MOST;
  }

  int any(int... all) {
    return all[below(all.length)];
  }

  /** Returns a generator for what no one wants to see shrunk. */
  SplittableRandom random() {
    return new SplittableRandom(take());
  }
}
