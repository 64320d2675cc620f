package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * Operations on whole arrays that tensors are computed with: in Java, and natively for f32 and f64.
 * Both give the same bits, for any number of threads; but products by OpenBLAS, which every
 * convolution consists of, depend on the processor's type ({@link Products}).
 *
 * <p>Outputs may lie in the memory of inputs only where each element is written after it was read:
 * elementwise with the same strides. Each method throws IllegalArgumentException if sizes do not
 * fit or dtypes differ where they may not.
 */
public interface ArrayKernel {
  /**
   * Computes y = f(a, b) elementwise; with the dtypes of a, b and y mixed at will.
   *
   * @param f the function; if of one argument, b is not looked at, and may be a
   * @param p its first parameter, if any
   * @param q its second one
   */
  void zip(ArrayFunction f, double p, double q, int[] shape, Strided a, Strided b, Strided y);

  /** Computes y = f(x), elementwise in the order of memory, in f64, rounded to y's dtype. */
  default void map(DoubleUnaryOperator f, Storage x, Storage y) {
    JavaArrays.mapElements(f, x, y);
  }

  /** Copies each element of x, rounded to y's dtype. */
  default void cast(Storage x, Storage y) {
    JavaArrays.castElements(x, y);
  }

  /** Computes y = f(a, b), elementwise, in f64, rounded to y's dtype. */
  default void map(DoubleBinaryOperator f, int[] shape, Strided a, Strided b, Storage y) {
    JavaArrays.zipElements(f::applyAsDouble, shape, a, b, Strided.of(y, 0, Shapes.strides(shape)));
  }

  /**
   * Sums over axes, in f64 with compensation (Knuth's TwoSum), in an order that depends on the
   * shape alone, and rounds once.
   *
   * @param x row-major
   * @param reduced which axes of the shape go
   * @param y the remaining elements, row-major, of x's dtype
   */
  void sum(int[] shape, Storage x, boolean[] reduced, Storage y);

  /**
   * Computes the products of pairs of matrices. Of 16 bits this and what follows compute in f32,
   * and round once.
   */
  void multiply(MatrixProducts products);

  /** Computes y = bend(x * filters + bias), a cross-correlation; {@link Convolution} says more. */
  void convolve(Convolution shape, ConvolutionArguments arguments);

  /** Computes the gradient of a convolution for x: of y's gradient and the filters. */
  void convolveInput(Convolution shape, Storage dy, Storage filters, Storage dx);

  /** Computes the gradient of a convolution for the filters. */
  void convolveFilters(Convolution shape, Storage x, Storage dy, Storage dFilters);

  /**
   * Computes the largest element of each window, and which element of x it is: the first of equals,
   * a NaN before anything.
   */
  void maxPool(Pooling shape, Storage x, Storage y, PickedElements picks);

  /** Adds each gradient to the element that was picked; the others' are 0. */
  void maxUnpool(Pooling shape, Storage dy, PickedElements picks, Storage dx);

  /**
   * Computes the logarithm of the softmax of each row, x - max - log(sum(exp(x - max))): in f64, in
   * an order that depends on the length alone, and rounded once.
   *
   * @param length the elements of a row
   * @param x rows, one after the other
   * @param y as many elements, of x's dtype
   */
  void logSoftmax(int length, Storage x, Storage y);

  /** Changes a parameter and its optimizer's state by a gradient. */
  void update(Update update, Storage parameter, Storage grad, Storage one, Storage two);
}
