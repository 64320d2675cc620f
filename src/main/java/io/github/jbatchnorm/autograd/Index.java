package io.github.jbatchnorm.autograd;

import org.jspecify.annotations.Nullable;

/** What is taken along an axis in {@link Tensor#slice}: as NumPy's basic indexing. */
public sealed interface Index {
  /** One element; the axis goes. Negative counts from the end. */
  record At(int index) implements Index {}

  /**
   * Every step-th element from start up to, not including, stop; out-of-range bounds are cut.
   *
   * @param start null for the first element in the direction of the step
   * @param stop null for all that are left
   * @param step not 0; negative goes backwards
   */
  record Range(@Nullable Integer start, @Nullable Integer stop, int step) implements Index {
    /**
     * Checks the step.
     *
     * @throws IllegalArgumentException if it is 0
     */
    public Range {
      if (step == 0) {
        throw new IllegalArgumentException("step: expected other than 0");
      }
    }
  }

  /** A new axis of size 1. */
  record NewAxis() implements Index {}

  /** All of the axes that no other index is for; at most once. */
  record Ellipsis() implements Index {}

  /** Returns {@code x[index]}. */
  static Index at(int index) {
    return new At(index);
  }

  /** Returns {@code x[start:stop]}. */
  static Index range(int start, int stop) {
    return new Range(start, stop, 1);
  }

  /** Returns {@code x[start:stop:step]}. */
  static Index range(int start, int stop, int step) {
    return new Range(start, stop, step);
  }

  /** Returns {@code x[start:]}. */
  static Index from(int start) {
    return new Range(start, null, 1);
  }

  /** Returns {@code x[:stop]}. */
  static Index to(int stop) {
    return new Range(null, stop, 1);
  }

  /** Returns {@code x[::step]}. */
  static Index step(int step) {
    return new Range(null, null, step);
  }

  /** Returns {@code x[:]}. */
  static Index all() {
    return new Range(null, null, 1);
  }

  /** Returns {@code x[np.newaxis]}. */
  static Index newAxis() {
    return new NewAxis();
  }

  /** Returns {@code x[...]}. */
  static Index ellipsis() {
    return new Ellipsis();
  }
}
