package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.MatrixProducts;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.Map;

/**
 * The products of matrices, the last two axes, either perhaps read transposed: Y = A' B', where dA'
 * = dY B'^T and dB' = A'^T dY. The axes before broadcast.
 */
final class MatMul extends Formula {
  private final boolean transA;
  private final boolean transB;

  private MatMul(Tensor a, boolean transA, Tensor b, boolean transB) {
    super(a, b);
    this.transA = transA;
    this.transB = transB;
  }

  /** Returns NumPy's matmul: a vector is a row on the left, a column on the right. */
  static Tensor of(Tensor a, Tensor b) {
    if (a.ndim() == 0 || b.ndim() == 0) {
      throw new IllegalArgumentException(
          "other: expected at least one axis on both sides, got shapes %s and %s"
              .formatted(Shapes.text(a.axes()), Shapes.text(b.axes())));
    }
    if (a.ndim() == 1) {
      return of(a.reshape(1, -1), b).squeeze(b.ndim() == 1 ? -1 : -2);
    }
    if (b.ndim() == 1) {
      return of(a, b.reshape(-1, 1)).squeeze(-1);
    }
    if (a.ndim() > 2 && b.ndim() == 2 && a.size() > 0) {
      int[] shape = a.shape();
      shape[shape.length - 1] = b.dim(1);
      return of(a.reshape(-1, a.dim(-1)), false, b, false).reshape(shape);
    }
    return of(a, false, b, false);
  }

  /** Returns the products; mixed dtypes promote. */
  static Tensor of(Tensor a, boolean transA, Tensor b, boolean transB) {
    checkMatrix("this", a);
    checkMatrix("other", b);
    if (a.dim(transA ? -2 : -1) != b.dim(transB ? -1 : -2)) {
      throw new IllegalArgumentException(
          "other: shape %s does not continue %s: the inner sizes differ"
              .formatted(Shapes.text(b.shape()), Shapes.text(a.shape())));
    }
    DType dtype = DType.promote(a.dtype(), b.dtype());
    return new MatMul(a.astype(dtype), transA, b.astype(dtype), transB).apply();
  }

  private static void checkMatrix(String name, Tensor x) {
    if (x.ndim() < 2) {
      throw new IllegalArgumentException(
          "%s: expected a matrix, got shape %s".formatted(name, Shapes.text(x.shape())));
    }
  }

  @Override
  public Map<String, Object> attributes() {
    return Map.of("transA", transA, "transB", transB);
  }

  @Override
  protected Tensor forward() {
    Tensor a = input(0);
    Tensor b = input(1);
    int m = a.dim(transA ? -1 : -2);
    int n = b.dim(transB ? -2 : -1);
    int k = a.dim(transA ? -2 : -1);
    int[] pairs = Shapes.broadcast(pairs(a), pairs(b));
    int[] shape = Arrays.copyOf(pairs, pairs.length + 2);
    shape[pairs.length] = m;
    shape[pairs.length + 1] = n;
    Storage c = Storage.uninitialized(a.dtype(), Shapes.size(shape));
    ArrayKernels.current()
        .multiply(
            new MatrixProducts(m, n, k, a.storage(), transA, b.storage(), transB, c)
                .pairs(pairs, strides(a, pairs), strides(b, pairs)));
    return Tensor.constant(c, shape);
  }

  private static int[] pairs(Tensor x) {
    return Arrays.copyOf(x.axes(), x.ndim() - 2);
  }

  /** Returns the strides with which x's matrices are read as {@code pairs}. */
  private static int[] strides(Tensor x, int... pairs) {
    int[] strides = Shapes.broadcastStrides(pairs(x), pairs);
    int matrix = x.dim(-2) * x.dim(-1);
    return Arrays.stream(strides).map(stride -> stride * matrix).toArray();
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    Tensor a = input(0);
    Tensor b = input(1);
    if (input == 0) {
      return transA ? of(b, transB, grad, true) : of(grad, false, b, !transB);
    }
    return transB ? of(grad, true, a, transA) : of(a, !transA, grad, false);
  }
}
