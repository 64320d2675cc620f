package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Strided;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.memory.Storage;

/** A few operations on bare memory, to measure tensors against. */
final class KernelCalls {
  private KernelCalls() {}

  /** Computes y = x weight, a weight for each channel. */
  static void multiply(Storage x, Storage weight, BatchNormShape shape, Storage y) {
    int[] sizes = {shape.n(), shape.c(), shape.s()};
    int[] plain = {shape.c() * shape.s(), shape.s(), 1};
    ArrayKernels.current()
        .zip(
            ArrayFunction.MULTIPLY,
            0,
            0,
            sizes,
            Strided.of(x, 0, plain),
            Strided.of(weight, 0, 0, 1, 0),
            Strided.of(y, 0, plain));
  }

  /** Computes y = a b. */
  static void multiplyAll(Storage a, Storage b, Storage y) {
    int[] sizes = {y.length()};
    ArrayKernels.current()
        .zip(
            ArrayFunction.MULTIPLY,
            0,
            0,
            sizes,
            Strided.of(a, 0, 1),
            Strided.of(b, 0, 1),
            Strided.of(y, 0, 1));
  }

  /** Computes the sum of each channel. */
  static void sumChannels(Storage x, BatchNormShape shape, Storage y) {
    int[] sizes = {shape.n(), shape.c(), shape.s()};
    ArrayKernels.current().sum(sizes, x, new boolean[] {true, false, true}, y);
  }
}
