package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Elementwise operations and rows' softmax: native bits are Java's. */
@Tag("machine")
class ElementwiseKernelTest extends SameArrays {
  @ParameterizedTest
  @EnumSource(ArrayFunction.class)
  void zipHasTheSameBits(ArrayFunction f) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int[] shape : List.of(new int[] {5}, new int[] {3, 4, 7}, new int[] {2, 3, 9000})) {
        int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        int[] plain = Shapes.strides(shape);
        int[] repeated = plain.clone();
        repeated[random.nextInt(shape.length)] = 0;
        Strided a = Strided.of(random(dtype, size), 0, plain);
        Strided b = Strided.of(random(dtype, size), 0, repeated);
        double p = random.nextInt(3) * 0.3;
        for (ArrayKernel kernel : natives()) {
          for (List<Strided> pair : List.of(List.of(a, b), List.of(b, a))) {
            Storage expected = Storage.allocate(dtype, size);
            Storage y = Storage.allocate(dtype, size);
            java.zip(f, p, 1.5, shape, pair.get(0), pair.get(1), Strided.of(expected, 0, plain));
            kernel.zip(f, p, 1.5, shape, pair.get(0), pair.get(1), Strided.of(y, 0, plain));
            assertThat(bits(y)).isEqualTo(bits(expected));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ArrayFunction.class,
      names = {"EXP", "EXPM1", "LOG", "LOG1P", "TANH", "SIGMOID", "ELU"})
  void exponentialsOfAllMagnitudesHaveTheSameBits(ArrayFunction f) {
    int[] shape = {30_011};
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage x = Storage.allocate(dtype, shape[0]);
      for (int i = 0; i < x.length(); i++) {
        double any =
            dtype == DType.F64
                ? Double.longBitsToDouble(random.nextLong())
                : Float.intBitsToFloat(random.nextInt());
        x.set(i, i % 2 == 0 ? any : random.nextDouble(-800, 800));
      }
      Strided a = Strided.of(x, 0, 1);
      same(shape[0], dtype, (kernel, y) -> kernel.zip(f, 1.7, 0, shape, a, a, Strided.of(y, 0, 1)));
    }
  }

  @Test
  void exponentialsOfAnyStridesHaveTheSameBits() {
    Storage x = finite(DType.F32, 24);
    int[] shape = {4, 3, 2};
    Strided backwards = Strided.of(x, 23, -1, -4, -12);
    same(
        25,
        DType.F32,
        (kernel, y) ->
            kernel.zip(
                ArrayFunction.EXP, 0, 0, shape, backwards, backwards, Strided.of(y, 1, 1, 8, 4)));
  }

  @Test
  void logSoftmaxHasTheSameBits() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int length : new int[] {1, 10, 16, 37, 1000}) {
        Storage x = finite(dtype, length * 40);
        same(x.length(), dtype, (kernel, y) -> kernel.logSoftmax(length, x, y));
        Storage special = random(dtype, length * 40);
        same(x.length(), dtype, (kernel, y) -> kernel.logSoftmax(length, special, y));
      }
      Storage empty = Storage.allocate(dtype, 0);
      same(0, dtype, (kernel, y) -> kernel.logSoftmax(0, empty, y));
    }
  }

  @Test
  void zipReadsAndWritesWithAnyStrides() {
    Storage x = finite(DType.F32, 24);
    int[] shape = {4, 3, 2};
    Strided backwards = Strided.of(x, 23, -1, -4, -12);
    for (ArrayKernel kernel : natives()) {
      Storage y = Storage.allocate(DType.F32, 25);
      kernel.zip(ArrayFunction.COPY, 0, 0, shape, backwards, backwards, Strided.of(y, 1, 1, 8, 4));
      for (int i = 0; i < 24; i++) {
        int a = i / 6;
        int b = i / 2 % 3;
        int c = i % 2;
        assertThat(y.get(1 + a + 8 * b + 4 * c)).isEqualTo(x.get(23 - a - 4 * b - 12 * c));
      }
    }
  }

  @Test
  void stridesThatLeaveTheStorageAreRefused() {
    Storage x = finite(DType.F32, 10);
    Strided good = Strided.of(x, 0, 1);
    for (Strided bad : List.of(Strided.of(x, 1, 1), Strided.of(x, 0, -1), Strided.of(x, 0, 2))) {
      assertThatThrownBy(
              () -> natives().get(0).zip(ArrayFunction.ADD, 0, 0, new int[] {10}, good, bad, good))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("b: elements");
    }
  }
}
