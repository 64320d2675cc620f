package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import java.lang.reflect.Array;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Tensors of nested arrays. */
class NestedArrayTest {
  @Test
  void arraysOfArraysHaveAnAxisForEachDepth() {
    Tensor x = Tensor.of(new double[][] {{1, 2}, {3, 4}, {5, 6}});
    assertThat(x.shape()).containsExactly(3, 2);
    assertThat(x.toDoubleArray()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(x.dtype()).isEqualTo(DType.F64);
    assertThat(x.isConstant()).isFalse();
    Tensor y = Tensor.of(new float[][][] {{{1}, {2}}, {{3}, {4}}});
    assertThat(y.shape()).containsExactly(2, 2, 1);
    assertThat(y.dtype()).isEqualTo(DType.F32);
    assertThat(y.isConstant()).isFalse();
  }

  @Test
  void wholeNumbersAndTruthValuesAreConstantsOfF64() {
    Object[][] all = {
      new int[][] {{1, 0}},
      new long[][] {{1, 0}},
      new short[][] {{1, 0}},
      new byte[][] {{1, 0}},
      new boolean[][] {{true, false}}
    };
    for (Object[] nested : all) {
      Tensor x = Tensor.of(nested);
      assertThat(x.shape()).containsExactly(1, 2);
      assertThat(x.toDoubleArray()).containsExactly(1, 0);
      assertThat(x.dtype()).isEqualTo(DType.F64);
      assertThat(x.isConstant()).isTrue();
    }
  }

  /** As deep as Java has arrays. */
  @Test
  void arraysMayBe255Deep() {
    int[] sizes = IntStream.generate(() -> 1).limit(255).toArray();
    sizes[254] = 3;
    Tensor x = Tensor.of((Object[]) Array.newInstance(double.class, sizes));
    assertThat(x.shape()).isEqualTo(sizes);
  }

  @Test
  void emptyArraysHaveEmptyAxes() {
    assertThat(Tensor.of(new double[0][3]).shape()).containsExactly(0, 0);
    assertThat(Tensor.of(new double[2][0]).shape()).containsExactly(2, 0);
  }

  @Test
  void raggedArraysAreRefusedByName() {
    assertThatThrownBy(() -> Tensor.of(new double[][] {{1, 2}, {3}}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("nested: expected 2 elements in [1], as in the first beside it, got 1");
    assertThatThrownBy(() -> Tensor.of(new float[][][] {{{1}, {2}}, {{3}, {4, 5}}}))
        .hasMessage("nested: expected 1 elements in [1][1], as in the first beside it, got 2");
    assertThatThrownBy(() -> Tensor.of(new double[][] {{1}, null}))
        .hasMessage("nested: [1] is null");
    assertThatThrownBy(() -> Tensor.of(new double[][] {null, {1}}))
        .hasMessage("nested: [0] is null");
  }

  @Test
  void otherTypesAreRefusedByName() {
    for (Object[] nested :
        new Object[][] {new String[] {"1"}, new char[][] {{'1'}}, new Double[][] {{1.0}}}) {
      assertThatThrownBy(() -> Tensor.of(nested))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "nested: expected arrays of arrays of numbers or boolean, got "
                  + nested.getClass().getSimpleName());
    }
    assertThat(Tensor.of(new long[][] {{Long.MIN_VALUE, 1L << 53}}).toDoubleArray())
        .containsExactly(-0x1p63, 0x1p53);
    for (long inexact : new long[] {(1L << 53) + 1, Long.MAX_VALUE}) {
      assertThatThrownBy(() -> Tensor.of(new long[][] {{0, inexact}}))
          .hasMessage("nested: expected numbers that f64 holds, got %d in [0][1]", inexact);
    }
  }
}
