package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The batch-normalization kernel: y = gamma * (x - mean) / sqrt(var + eps) + beta over every axis
 * but the channel, and its derivatives.
 *
 * <p>Two implementations keep one contract to the bit (docs/numerics.md): {@link NativeKernel} runs
 * the C++ kernel, {@link JavaKernel} is the plain Java reference. Results depend on values and
 * shape alone, and every finite element has the accuracy stated: where squares of f64 leave the
 * range of a double, the data are scaled by a power of two. Each is immutable and safe for
 * concurrent use as long as no two calls write the same memory. Every argument is checked: a wrong
 * dtype, length or eps, or an output that overlaps another argument, is an {@link
 * IllegalArgumentException} that names the argument, and nothing is written. The methods that take
 * one object of arguments do everything there is; the others are short for their plain cases.
 */
public sealed interface BatchNormKernel permits NativeKernel, JavaKernel {
  /**
   * The number of doubles that the saved statistics of one channel take: mean, its low part, var,
   * and the scale that x is multiplied by in these three (a power of two; 1 unless the variance of
   * f64 would leave the range of a double).
   */
  int SAVED_PER_CHANNEL = 4;

  /** {@return the name of the implementation, {@code native} or {@code java}} */
  String name();

  /**
   * Normalizes, with whatever of {@link ForwardArguments} is set.
   *
   * @param arguments the call's arguments
   */
  void forward(ForwardArguments arguments);

  /**
   * Computes the gradients of {@link #forward(ForwardArguments)}.
   *
   * @param arguments the call's arguments
   */
  void backward(BackwardArguments arguments);

  /**
   * Computes the gradients of {@link #backward(BackwardArguments)} without a tail.
   *
   * @param arguments the call's arguments
   */
  void second(SecondArguments arguments);

  /**
   * Normalizes with the batch's own statistics.
   *
   * <p>M = N*S elements a channel; var is biased (divides by M). Where M = 0, mean and var are NaN
   * and y is empty.
   *
   * @param shape sizes, dtype and layout
   * @param x input, N*C*S elements
   * @param gamma scale, C elements, or null for 1
   * @param beta shift, C elements, or null for 0
   * @param eps added to the variance; finite, 0 or more
   * @param y output, N*C*S elements
   * @param mean output, C elements, or null
   * @param var output, C elements, or null
   * @param saved output, f64, 4*C elements: what {@link #backward} needs, or null
   */
  default void forward(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      double eps,
      Storage y,
      @Nullable Storage mean,
      @Nullable Storage var,
      @Nullable Storage saved) {
    forward(
        new ForwardArguments(shape, eps, 1, x)
            .gamma(gamma)
            .beta(beta)
            .y(y)
            .mean(mean)
            .var(var)
            .saved(saved));
  }

  /**
   * Normalizes with given statistics.
   *
   * @param shape sizes, dtype and layout
   * @param x input, N*C*S elements
   * @param gamma scale, C elements, or null for 1
   * @param beta shift, C elements, or null for 0
   * @param mean statistics, C elements
   * @param var statistics, C elements
   * @param eps added to the variance; finite, 0 or more
   * @param y output, N*C*S elements
   */
  default void infer(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      Storage mean,
      Storage var,
      double eps,
      Storage y) {
    forward(new ForwardArguments(shape, eps, 1, x).gamma(gamma).beta(beta).given(mean, var).y(y));
  }

  /**
   * Computes the gradients of {@link #forward}.
   *
   * @param shape sizes, dtype and layout
   * @param x the input of forward, unchanged, N*C*S elements
   * @param dy gradient of y, N*C*S elements
   * @param gamma scale, C elements, or null for 1
   * @param saved what forward saved, f64, 4*C elements
   * @param eps as in forward
   * @param dx output, gradient of x, N*C*S elements, or null
   * @param dGamma output, gradient of gamma, C elements, or null
   * @param dBeta output, gradient of beta, C elements, or null
   */
  default void backward(
      BatchNormShape shape,
      Storage x,
      Storage dy,
      @Nullable Storage gamma,
      Storage saved,
      double eps,
      @Nullable Storage dx,
      @Nullable Storage dGamma,
      @Nullable Storage dBeta) {
    backward(
        new BackwardArguments(shape, eps, 1, x, dy, saved)
            .gamma(gamma)
            .dx(dx)
            .dGamma(dGamma)
            .dBeta(dBeta));
  }
}
