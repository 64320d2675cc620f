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
     * @param start the first element, negative from the end
     * @param stop the element behind the last, negative from the end
     * @param step from one element to the next, not 0
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

  /**
   * {@return {@code x[index]}}
   *
   * @param index the element, negative from the end
   */
  static Index at(int index) {
    return new At(index);
  }

  /**
   * {@return {@code x[start:stop]}}
   *
   * @param start the first element, negative from the end
   * @param stop the element behind the last, negative from the end
   */
  static Index range(int start, int stop) {
    return new Range(start, stop, 1);
  }

  /**
   * {@return {@code x[start:stop:step]}}
   *
   * @param start the first element, negative from the end
   * @param stop the element behind the last, negative from the end
   * @param step from one element to the next, not 0
   */
  static Index range(int start, int stop, int step) {
    return new Range(start, stop, step);
  }

  /**
   * {@return {@code x[start:]}}
   *
   * @param start the first element, negative from the end
   */
  static Index from(int start) {
    return new Range(start, null, 1);
  }

  /**
   * {@return {@code x[:stop]}}
   *
   * @param stop the element behind the last, negative from the end
   */
  static Index to(int stop) {
    return new Range(null, stop, 1);
  }

  /**
   * {@return {@code x[::step]}}
   *
   * @param step from one element to the next, not 0
   */
  static Index step(int step) {
    return new Range(null, null, step);
  }

  /** {@return {@code x[:]}} */
  static Index all() {
    return new Range(null, null, 1);
  }

  /** {@return {@code x[np.newaxis]}} */
  static Index newAxis() {
    return new NewAxis();
  }

  /** {@return {@code x[...]}} */
  static Index ellipsis() {
    return new Ellipsis();
  }
}
