package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Numbers from one to another. */
final class Ranges {
  private final double[] numbers;

  private Ranges(double... numbers) {
    this.numbers = numbers;
  }

  /** Returns numbers at equal distances; stop itself, without rounding, where it is included. */
  static Ranges linear(double start, double stop, int count, boolean includeStop) {
    if (count < 0) {
      throw new IllegalArgumentException("count: expected 0 or more, got " + count);
    }
    double[] numbers = new double[count];
    double step = (stop - start) / Math.max(1, includeStop ? count - 1 : count);
    Arrays.setAll(numbers, i -> includeStop && i > 0 && i == count - 1 ? stop : start + i * step);
    return new Ranges(numbers);
  }

  /** Returns numbers at equal factors; start and stop themselves without rounding. */
  static Ranges geometric(double start, double stop, int count, boolean includeStop) {
    double sign = Math.signum(start);
    if (!(sign * stop > 0)) {
      throw new IllegalArgumentException(
          "start, stop: expected numbers of one sign, other than 0, got %s and %s"
              .formatted(start, stop));
    }
    double first = StrictMath.log10(Math.abs(start));
    double last = StrictMath.log10(Math.abs(stop));
    Ranges range = linear(first, last, count, includeStop).map(x -> sign * StrictMath.pow(10, x));
    if (count > 0) {
      range.numbers[0] = start;
    }
    if (count > 1 && includeStop) {
      range.numbers[count - 1] = stop;
    }
    return range;
  }

  Ranges map(DoubleUnaryOperator f) {
    return new Ranges(Arrays.stream(numbers).map(f).toArray());
  }

  Tensor tensor(DType dtype) {
    Storage storage = Storage.uninitialized(dtype, numbers.length);
    storage.write(0, numbers, 0, numbers.length);
    return Tensor.variable(storage, numbers.length);
  }
}
