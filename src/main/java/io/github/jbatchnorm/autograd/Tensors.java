package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.List;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;
import java.util.random.RandomGenerator;

/**
 * New tensors: variables, like NumPy's arrays of the same names; and functions of several tensors.
 */
public final class Tensors {
  private Tensors() {}

  private static Tensor fill(DType dtype, IntToDoubleFunction value, int... shape) {
    Objects.requireNonNull(shape, "shape");
    Storage storage = Storage.uninitialized(dtype, Shapes.size(shape));
    for (int i = 0; i < storage.length(); i++) {
      storage.set(i, value.applyAsDouble(i));
    }
    return Tensor.variable(storage, shape);
  }

  /**
   * {@return a tensor of zeros}
   *
   * @param dtype the type of the elements
   * @param shape the axes' sizes
   */
  public static Tensor zeros(DType dtype, int... shape) {
    return Tensor.zeros(dtype, shape);
  }

  /**
   * {@return a tensor of ones}
   *
   * @param dtype the type of the elements
   * @param shape the axes' sizes
   */
  public static Tensor ones(DType dtype, int... shape) {
    return full(dtype, 1, shape);
  }

  /**
   * {@return a tensor of one value}
   *
   * @param dtype the type of the elements
   * @param value of every element
   * @param shape the axes' sizes
   */
  public static Tensor full(DType dtype, double value, int... shape) {
    return fill(dtype, i -> value, shape);
  }

  /**
   * {@return a tensor of one value, of another's shape and dtype}
   *
   * @param x the tensor that gives shape and type
   * @param value of every element
   */
  public static Tensor fullLike(Tensor x, double value) {
    return full(x.dtype(), value, x.axes());
  }

  /**
   * {@return zeros of a tensor's shape and dtype}
   *
   * @param x the tensor that gives shape and type
   */
  public static Tensor zerosLike(Tensor x) {
    return zeros(x.dtype(), x.axes());
  }

  /**
   * {@return ones of a tensor's shape and dtype}
   *
   * @param x the tensor that gives shape and type
   */
  public static Tensor onesLike(Tensor x) {
    return ones(x.dtype(), x.axes());
  }

  /**
   * {@return the matrix with ones in its diagonal}
   *
   * @param dtype the type of the elements
   * @param size rows, and columns
   */
  public static Tensor identity(DType dtype, int size) {
    return fill(dtype, i -> i / size == i % size ? 1 : 0, size, size);
  }

  /**
   * {@return the matrix with ones in a diagonal}
   *
   * @param dtype the type of the elements
   * @param rows how many
   * @param columns how many
   * @param diagonal 0 for the main one, positive above, negative below
   */
  public static Tensor eye(DType dtype, int rows, int columns, int diagonal) {
    return fill(dtype, i -> i % columns - i / columns == diagonal ? 1 : 0, rows, columns);
  }

  /**
   * {@return 0, 1, ..} up to, not including, stop.
   *
   * @param dtype the type of the elements
   * @param stop the one behind the last
   */
  public static Tensor arange(DType dtype, double stop) {
    return arange(dtype, 0, stop, 1);
  }

  /**
   * {@return start, start + 1, ..} up to, not including, stop.
   *
   * @param dtype the type of the elements
   * @param start the first
   * @param stop the one behind the last
   */
  public static Tensor arange(DType dtype, double start, double stop) {
    return arange(dtype, start, stop, 1);
  }

  /**
   * {@return start, start + step, ..} up to, not including, stop, each computed as start + i step.
   *
   * @param dtype the type of the elements
   * @param start the first
   * @param stop the one behind the last
   * @param step from one element to the next
   * @throws IllegalArgumentException if step is 0 or a number is not finite
   */
  public static Tensor arange(DType dtype, double start, double stop, double step) {
    double count = Math.ceil((stop - start) / step);
    if (!(Double.isFinite(start) && Double.isFinite(stop) && Double.isFinite(step)) || step == 0) {
      throw new IllegalArgumentException(
          "step: expected finite numbers, and a step other than 0, got %s, %s, %s"
              .formatted(start, stop, step));
    }
    if (count > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "step: from %s to %s by %s are more than 2^31-1 elements".formatted(start, stop, step));
    }
    return fill(dtype, i -> start + i * step, (int) Math.max(0, count));
  }

  /**
   * {@return so many numbers from start to stop, both included, at equal distances}
   *
   * @param dtype the type of the elements
   * @param start the first
   * @param stop the last
   * @param count how many
   * @throws IllegalArgumentException if count is below 0
   */
  public static Tensor linspace(DType dtype, double start, double stop, int count) {
    return linspace(dtype, start, stop, count, true);
  }

  /**
   * {@return so many numbers from start to stop at equal distances}
   *
   * @param dtype the type of the elements
   * @param start the first
   * @param stop the last, or the one behind it
   * @param count how many
   * @param includeStop whether stop is the last; else the one behind it
   * @throws IllegalArgumentException if count is below 0
   */
  public static Tensor linspace(
      DType dtype, double start, double stop, int count, boolean includeStop) {
    return Ranges.linear(start, stop, count, includeStop).tensor(dtype);
  }

  /**
   * {@return so many numbers from base^start to base^stop, their exponents at equal distances}
   *
   * @param dtype the type of the elements
   * @param start the first exponent
   * @param stop the last exponent, or the one behind it
   * @param count how many
   * @param includeStop whether base^stop is the last; else the one behind it
   * @param base what is raised, usually 10
   * @throws IllegalArgumentException if count is below 0
   */
  public static Tensor logspace(
      DType dtype, double start, double stop, int count, boolean includeStop, double base) {
    return Ranges.linear(start, stop, count, includeStop)
        .map(x -> StrictMath.pow(base, x))
        .tensor(dtype);
  }

  /**
   * {@return so many numbers from start to stop, each the one before times the same factor}
   *
   * @param dtype the type of the elements
   * @param start the first, not 0
   * @param stop the last, or the one behind it, of start's sign
   * @param count how many
   * @param includeStop whether stop is the last; else the one behind it
   * @throws IllegalArgumentException if count is below 0, or start and stop are not of one sign
   */
  public static Tensor geomspace(
      DType dtype, double start, double stop, int count, boolean includeStop) {
    return Ranges.geometric(start, stop, count, includeStop).tensor(dtype);
  }

  /**
   * {@return numbers drawn uniformly from low to high, in order}
   *
   * @param dtype the type of the elements
   * @param random where the numbers come from
   * @param low the lower bound
   * @param high the upper bound
   * @param shape the axes' sizes
   */
  public static Tensor uniform(
      DType dtype, RandomGenerator random, double low, double high, int... shape) {
    Objects.requireNonNull(random, "random");
    return fill(dtype, i -> low + (high - low) * random.nextDouble(), shape);
  }

  /**
   * {@return numbers drawn from a normal distribution, in order: by Marsaglia's polar method, so
   * that they depend on the generator's algorithm alone}
   *
   * @param dtype the type of the elements
   * @param random where the numbers come from
   * @param mean the mean
   * @param std the standard deviation
   * @param shape the axes' sizes
   */
  public static Tensor normal(
      DType dtype, RandomGenerator random, double mean, double std, int... shape) {
    Objects.requireNonNull(random, "random");
    return fill(dtype, i -> mean + std * gaussian(random), shape);
  }

  /**
   * {@return whole numbers drawn uniformly from low up to, not including, high, in order: a
   * constant of f64}
   *
   * @param random where the numbers come from
   * @param low the least
   * @param high the one behind the largest
   * @param shape the axes' sizes
   * @throws IllegalArgumentException if high is not above low
   */
  public static Tensor integers(RandomGenerator random, int low, int high, int... shape) {
    Objects.requireNonNull(random, "random");
    Objects.requireNonNull(shape, "shape");
    if (high <= low) {
      throw new IllegalArgumentException(
          "low, high: expected low < high, got %s and %s".formatted(low, high));
    }
    return fill(DType.F64, i -> random.nextInt(low, high), shape).asConstant();
  }

  private static double gaussian(RandomGenerator random) {
    while (true) {
      double u = 2 * random.nextDouble() - 1;
      double v = 2 * random.nextDouble() - 1;
      double s = u * u + v * v;
      if (s > 0 && s < 1) {
        return u * Math.sqrt(-2 * StrictMath.log(s) / s);
      }
    }
  }

  /**
   * {@return x where the condition is other than 0 and y elsewhere; all three broadcast} What is
   * not chosen has no part in the result or in any gradient, whatever it is.
   *
   * @param condition no gradient flows to it
   * @param x taken where the condition is not 0
   * @param y taken elsewhere
   */
  public static Tensor where(Tensor condition, Tensor x, Tensor y) {
    Objects.requireNonNull(condition, "condition");
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(y, "y");
    return new Comparisons.Select(condition, x, y).apply();
  }

  /**
   * {@return the tensors one after the other along an axis}
   *
   * @param axis the axis along which they lie
   * @param tensors the tensors
   * @throws IllegalArgumentException if there is none, or shapes differ but for that axis
   */
  public static Tensor concatenate(int axis, Tensor... tensors) {
    return Concatenate.of(axis, Operation.checked("tensors", tensors));
  }

  /**
   * {@return the elements of all tensors, row-major, one after the other along one axis}
   *
   * @param tensors the tensors, of any shapes
   * @throws IllegalArgumentException if there is none
   */
  public static Tensor concatenate(Tensor... tensors) {
    List<Tensor> all = Operation.checked("tensors", tensors);
    return Concatenate.of(0, all.stream().map(Tensor::flatten).toList());
  }

  /**
   * {@return the sum of tensors, from the first to the last}
   *
   * @param tensors two or more, whose shapes broadcast
   * @throws IllegalArgumentException if there are fewer
   */
  public static Tensor addSequence(Tensor... tensors) {
    return Sequences.reduce(Operation.checked("tensors", tensors), Tensor::add);
  }

  /**
   * {@return the product of the elements of tensors, from the first to the last}
   *
   * @param tensors two or more, whose shapes broadcast
   * @throws IllegalArgumentException if there are fewer
   */
  public static Tensor multiplySequence(Tensor... tensors) {
    return Sequences.reduce(Operation.checked("tensors", tensors), Tensor::multiply);
  }

  /**
   * {@return the product of matrices, in the order that takes the fewest multiplications}
   *
   * @param matrices two or more; the first may be a vector, a row, and the last, a column
   * @throws IllegalArgumentException if there are fewer, another one is no matrix, or one does not
   *     continue the one before
   */
  public static Tensor multiMatmul(Tensor... matrices) {
    return Sequences.product(Operation.checked("matrices", matrices));
  }

  /**
   * {@return the tensors along a new axis of the result}
   *
   * @param axis the axis along which they lie
   * @param tensors the tensors
   * @throws IllegalArgumentException if there is none, or shapes differ
   */
  public static Tensor stack(int axis, Tensor... tensors) {
    List<Tensor> all = Operation.checked("tensors", tensors);
    return Concatenate.of(axis, all.stream().map(tensor -> tensor.expandDims(axis)).toList());
  }

  /**
   * {@return a sum of products by Einstein's notation: {@code einsum("ij,jk->ik", a, b)}} A letter
   * names an axis; axes with the same letter are gone through together, and are of the same size or
   * of size 1; those that the result does not name are summed over. Without {@code ->} the result
   * has the letters that occur once, in alphabetical order. {@code ...} stands for axes without
   * names, the same ones in every operand.
   *
   * @param subscripts as in "ij,jk->ik"
   * @param operands one for each part before the arrow
   * @throws IllegalArgumentException if the notation does not fit the operands
   */
  public static Tensor einsum(String subscripts, Tensor... operands) {
    Objects.requireNonNull(subscripts, "subscripts");
    return Einsum.of(subscripts, Operation.checked("operands", operands).toArray(Tensor[]::new));
  }
}
