package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.List;
import java.util.function.BinaryOperator;

/** Functions of any number of tensors. */
final class Sequences {
  private Sequences() {}

  static Tensor reduce(List<Tensor> tensors, BinaryOperator<Tensor> f) {
    checkCount("tensors", tensors);
    return tensors.stream().reduce(f).orElseThrow();
  }

  /** One is refused, as by MyGrad: the result would be the tensor itself. */
  private static void checkCount(String name, List<Tensor> tensors) {
    if (tensors.size() < 2) {
      throw new IllegalArgumentException(
          "%s: expected at least two, got %s".formatted(name, tensors.size()));
    }
  }

  /** Returns the product of a chain of matrices. */
  static Tensor product(List<Tensor> matrices) {
    int count = matrices.size();
    checkCount("matrices", matrices);
    long[] sizes = new long[count + 1]; // matrix i has sizes[i] rows and sizes[i + 1] columns
    for (int i = 0; i < count; i++) {
      Tensor matrix = matrices.get(i);
      boolean end = i == 0 || i == count - 1;
      if (matrix.ndim() != 2 && !(end && matrix.ndim() == 1)) {
        throw new IllegalArgumentException(
            "matrices: expected a matrix, of the first and the last a matrix or a vector, got shape"
                + " %s of matrix %s".formatted(Shapes.text(matrix.axes()), i));
      }
      int rows = matrix.ndim() == 1 && i == 0 ? 1 : matrix.dim(0);
      if (i > 0 && rows != sizes[i]) {
        throw new IllegalArgumentException(
            "matrices: shape %s of matrix %s does not continue %s: the inner sizes differ"
                .formatted(Shapes.text(matrix.axes()), i, Shapes.text(matrices.get(i - 1).axes())));
      }
      sizes[i] = rows;
      sizes[i + 1] = matrix.ndim() == 1 && i > 0 ? 1 : matrix.dim(-1);
    }
    return product(matrices, splits(sizes), 0, count - 1);
  }

  /**
   * Returns for the product of matrices first to last the last one of its left factor, where that
   * takes the fewest multiplications, by Godbole's dynamic programming (1973).
   */
  private static int[][] splits(long... sizes) {
    int count = sizes.length - 1;
    double[][] costs = new double[count][count];
    int[][] splits = new int[count][count];
    for (int length = 2; length <= count; length++) {
      for (int first = 0; first + length <= count; first++) {
        int last = first + length - 1;
        costs[first][last] = Double.POSITIVE_INFINITY;
        for (int split = first; split < last; split++) {
          double own = (double) sizes[first] * sizes[split + 1] * sizes[last + 1];
          double cost = costs[first][split] + costs[split + 1][last] + own;
          if (cost < costs[first][last]) {
            costs[first][last] = cost;
            splits[first][last] = split;
          }
        }
      }
    }
    return splits;
  }

  private static Tensor product(List<Tensor> matrices, int[][] splits, int first, int last) {
    if (first == last) {
      return matrices.get(first);
    }
    int split = splits[first][last];
    return product(matrices, splits, first, split)
        .matmul(product(matrices, splits, split + 1, last));
  }
}
