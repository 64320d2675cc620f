package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.arrays.Strided;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * Elementwise functions as constant tensors: computed in f64 and rounded once to the dtype of the
 * result, which for + - * / and sqrt of f32 gives the bits of f32 arithmetic.
 */
final class Elementwise {
  private Elementwise() {}

  /** Returns f of each element. */
  static Tensor of(ArrayFunction f, Tensor x) {
    return of(f, x, 0, 0);
  }

  /** Returns f of each element, with parameters. */
  static Tensor of(ArrayFunction f, Tensor x, double p, double q) {
    int size = x.size();
    Storage y = Storage.uninitialized(x.dtype(), size);
    Strided all = Strided.of(x.storage(), 0, 1);
    ArrayKernels.current().zip(f, p, q, new int[] {size}, all, all, Strided.of(y, 0, 1));
    return Tensor.constant(y, x.axes());
  }

  /**
   * Returns f of the elements of two tensors that broadcast, in the dtype that holds both.
   *
   * @throws IllegalArgumentException if the shapes do not broadcast
   */
  static Tensor of(ArrayFunction f, Tensor a, Tensor b) {
    return of(f, 0, a, b);
  }

  /** As {@link #of(ArrayFunction, Tensor, Tensor)}, with a parameter. */
  static Tensor of(ArrayFunction f, double p, Tensor a, Tensor b) {
    int[] shape = Shapes.broadcast(a.axes(), b.axes());
    Storage y = Storage.uninitialized(DType.promote(a.dtype(), b.dtype()), Shapes.size(shape));
    Strided to = Strided.of(y, 0, Shapes.strides(shape));
    ArrayKernels.current().zip(f, p, 0, shape, broadcast(a, shape), broadcast(b, shape), to);
    return Tensor.constant(y, shape);
  }

  private static Strided broadcast(Tensor x, int... shape) {
    return Strided.of(x.storage(), 0, Shapes.broadcastStrides(x.axes(), shape));
  }

  /** Returns a function of each element that is computed in Java. */
  static Tensor map(DoubleUnaryOperator f, Tensor x) {
    return map(f, x, x.dtype());
  }

  /** Returns a function of each element in another dtype. */
  static Tensor map(DoubleUnaryOperator f, Tensor x, DType dtype) {
    Storage y = Storage.uninitialized(dtype, x.size());
    ArrayKernels.current().map(f, x.storage(), y);
    return Tensor.constant(y, x.axes());
  }

  /** Returns a function of two tensors that broadcast, computed in Java. */
  static Tensor map(DoubleBinaryOperator f, Tensor a, Tensor b) {
    int[] shape = Shapes.broadcast(a.axes(), b.axes());
    Storage y = Storage.uninitialized(DType.promote(a.dtype(), b.dtype()), Shapes.size(shape));
    ArrayKernels.current().map(f, shape, broadcast(a, shape), broadcast(b, shape), y);
    return Tensor.constant(y, shape);
  }

  /** Returns the elements of {@code x} that a shape walks over with strides, from one on. */
  static Tensor gather(Tensor x, int from, int[] shape, int[] strides) {
    Storage y = Storage.uninitialized(x.dtype(), Shapes.size(shape));
    Strided source = Strided.of(x.storage(), from, strides);
    Strided to = Strided.of(y, 0, Shapes.strides(shape));
    ArrayKernels.current().zip(ArrayFunction.COPY, 0, 0, shape, source, source, to);
    return Tensor.constant(y, shape);
  }

  /** Returns zeros of a shape with the elements of {@code x} where strides lead to, from one on. */
  static Tensor place(Tensor x, int from, int[] strides, int... shape) {
    Storage y = Storage.allocate(x.dtype(), Shapes.size(shape));
    Strided source = Strided.of(x.storage(), 0, Shapes.strides(x.axes()));
    Strided to = Strided.of(y, from, strides);
    ArrayKernels.current().zip(ArrayFunction.COPY, 0, 0, x.axes(), source, source, to);
    return Tensor.constant(y, shape);
  }
}
