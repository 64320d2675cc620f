package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Sums and matrix products: native bits are Java's, and right. */
@Tag("machine")
class SumAndProductKernelTest extends SameArrays {
  @Test
  void sumsHaveTheSameBits() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int[] shape :
          List.of(
              new int[] {1000},
              new int[] {7, 5, 33},
              new int[] {2, 3, 4, 5},
              new int[] {4, 9000})) {
        Storage x = finite(dtype, Arrays.stream(shape).reduce(1, (a, b) -> a * b));
        for (int mask = 0; mask < 1 << shape.length; mask++) {
          boolean[] reduced = new boolean[shape.length];
          int outputs = 1;
          for (int axis = 0; axis < shape.length; axis++) {
            reduced[axis] = ((mask >> axis) & 1) == 1;
            outputs *= reduced[axis] ? 1 : shape[axis];
          }
          Storage expected = Storage.allocate(dtype, outputs);
          java.sum(shape, x, reduced, expected);
          for (ArrayKernel kernel : natives()) {
            Storage y = Storage.allocate(dtype, outputs);
            kernel.sum(shape, x, reduced, y);
            assertThat(bits(y)).as(Arrays.toString(reduced)).isEqualTo(bits(expected));
          }
        }
      }
    }
  }

  @Test
  void sumsOfCancellingElementsAreExact() {
    Storage x = Storage.allocate(DType.F64, 4000);
    for (int i = 0; i < 4000; i++) {
      x.set(i, i % 2 == 0 ? 1e16 + i : -1e16);
    }
    double exact = 0; // each pair is a small integer, so this is exact
    for (int i = 0; i < 4000; i += 2) {
      exact += x.get(i) + x.get(i + 1);
    }
    for (ArrayKernel kernel : natives()) {
      Storage y = Storage.allocate(DType.F64, 1);
      kernel.sum(new int[] {4000}, x, new boolean[] {true}, y);
      assertThat(y.get(0)).isEqualTo(exact);
    }
  }

  @Test
  void productsAreThoseOfTheirDefinition() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int[] sizes :
          List.of(new int[] {3, 5, 7}, new int[] {70, 40, 33}, new int[] {1, 90, 2})) {
        for (int trans = 0; trans < 4; trans++) {
          checkProduct(dtype, sizes, (trans & 1) == 1, (trans & 2) == 2);
        }
      }
    }
  }

  private void checkProduct(DType dtype, int[] sizes, boolean transA, boolean transB) {
    int m = sizes[0];
    int n = sizes[1];
    int k = sizes[2];
    Storage a = finite(dtype, 2 * m * k);
    Storage b = finite(dtype, k * n);
    Storage expected = product(java, sizes, a, transA, b, transB);
    for (int i = 0; i < 2 * m * n; i++) {
      double sum = 0;
      for (int j = 0; j < k; j++) {
        int row = i / n % m;
        int first = i / (m * n) * m * k;
        sum +=
            a.get(first + (transA ? j * m + row : row * k + j))
                * b.get(transB ? i % n * k + j : j * n + i % n);
      }
      assertThat(expected.get(i)).isCloseTo(sum, within(dtype == DType.F64 ? 1e-13 : 2e-5));
    }
    for (ArrayKernel kernel : natives()) {
      assertThat(bits(product(kernel, sizes, a, transA, b, transB))).isEqualTo(bits(expected));
    }
  }

  private static Storage product(
      ArrayKernel kernel, int[] sizes, Storage a, boolean transA, Storage b, boolean transB) {
    Storage c = Storage.allocate(a.dtype(), 2L * sizes[0] * sizes[1]);
    kernel.multiply(
        new MatrixProducts(sizes[0], sizes[1], sizes[2], a, transA, b, transB, c)
            .pairs(new int[] {2}, new int[] {sizes[0] * sizes[2]}, new int[] {0}));
    return c;
  }
}
