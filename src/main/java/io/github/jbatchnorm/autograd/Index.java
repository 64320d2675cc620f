package io.github.jbatchnorm.autograd;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is taken along an axis in {@link Tensor#slice} and {@link Tensor#set}: as NumPy's basic and
 * advanced indexing.
 */
public sealed interface Index
    permits Index.At, Index.Range, Index.NewAxis, Index.Ellipsis, IntegerIndex, MaskIndex {
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

  /**
   * {@return {@code x[[i, j, ..]]}: elements by their numbers, which may repeat} Several such
   * indices broadcast against each other: {@code scores.slice(Index.of(0, 1, 2), Index.of(labels))}
   * has an element for each pair. Beside them {@link #at} is such an array, without axes. The
   * arrays' axes come where the first of them was; first in the result where others are between
   * them.
   *
   * @param numbers negative ones count from the end
   */
  static Index of(int... numbers) {
    Objects.requireNonNull(numbers, "numbers");
    return new IntegerIndex(numbers, numbers.length);
  }

  /**
   * {@return as {@link #of(int...)}, numbers in an array with axes}
   *
   * @param numbers row-major, negative ones count from the end
   * @param shape the array's axes
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  static Index ofShape(int[] numbers, int... shape) {
    Objects.requireNonNull(numbers, "numbers");
    Objects.requireNonNull(shape, "shape");
    return new IntegerIndex(numbers, shape);
  }

  /**
   * {@return {@code x[mask]}: the elements of some axes where a mask of their shape is true, in
   * row-major order, along one axis in their place} Beside arrays it is the arrays of its true
   * elements' numbers.
   *
   * @param mask row-major
   * @param shape the mask's axes; none given means one axis
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  static Index mask(boolean[] mask, int... shape) {
    Objects.requireNonNull(mask, "mask");
    Objects.requireNonNull(shape, "shape");
    return shape.length == 0 ? new MaskIndex(mask, mask.length) : new MaskIndex(mask, shape);
  }

  /**
   * {@return as {@link #mask(boolean[], int...)}, true where a tensor's elements are other than 0:
   * {@code x.slice(Index.mask(x.greater(0)))}}
   *
   * @param mask of one or more axes
   * @throws IllegalArgumentException if it has no axes
   */
  static Index mask(Tensor mask) {
    Objects.requireNonNull(mask, "mask");
    if (mask.ndim() == 0) {
      throw new IllegalArgumentException("mask: expected one or more axes, got shape ()");
    }
    return new MaskIndex(mask.toBooleanArray(), mask.axes());
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
