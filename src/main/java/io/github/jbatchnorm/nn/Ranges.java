package io.github.jbatchnorm.nn;

/** Ranges of numbers that a user chooses. */
final class Ranges {
  private Ranges() {}

  static double positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s: expected a finite value of more than 0, got %s".formatted(name, value));
    }
    return value;
  }

  static double share(String name, double value) {
    if (!(value >= 0) || value >= 1) {
      throw new IllegalArgumentException(
          "%s: expected 0 or more and less than 1, got %s".formatted(name, value));
    }
    return value;
  }

  static double notNegative(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s: expected a finite value of 0 or more, got %s".formatted(name, value));
    }
    return value;
  }
}
