package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Tensors that are made, repeated, joined and multiplied in all of NumPy's forms. */
class CreationTest {
  private static Tensor of(double... values) {
    return Tensor.of(values);
  }

  private static void assertHolds(Tensor x, double... expected) {
    assertThat(x.toDoubleArray()).containsExactly(expected);
  }

  @Test
  void diagonals() {
    assertHolds(Tensors.eye(DType.F64, 2, 3, 0), 1, 0, 0, 0, 1, 0);
    assertHolds(Tensors.eye(DType.F64, 2, 3, 1), 0, 1, 0, 0, 0, 1);
    assertHolds(Tensors.eye(DType.F64, 3, 2, -1), 0, 0, 1, 0, 0, 1);
    assertThat(Tensors.eye(DType.F32, 2, 0, 0).shape()).containsExactly(2, 0);
    Tensor like = Tensors.fullLike(Tensors.zeros(DType.F16, 2, 1), 3);
    assertThat(like.dtype()).isEqualTo(DType.F16);
    assertHolds(like, 3, 3);
  }

  @Test
  void rangesWithAndWithoutTheirEnd() {
    assertHolds(Tensors.arange(DType.F64, 3), 0, 1, 2);
    assertHolds(Tensors.arange(DType.F64, 1.5, 4), 1.5, 2.5, 3.5);
    assertHolds(Tensors.linspace(DType.F64, 0, 1, 4, false), 0, 0.25, 0.5, 0.75);
    assertHolds(Tensors.linspace(DType.F64, 0, 1, 3, true), 0, 0.5, 1);
    assertThat(Tensors.linspace(DType.F64, 0, 1, 0, false).size()).isZero();
    assertHolds(Tensors.logspace(DType.F64, 0, 3, 4, true, 10), 1, 10, 100, 1000);
    assertHolds(Tensors.logspace(DType.F64, 0, 4, 4, false, 2), 1, 2, 4, 8);
    assertThat(Tensors.geomspace(DType.F64, 1, 1000, 4, true).toDoubleArray())
        .containsExactly(new double[] {1, 10, 100, 1000}, within(1e-11));
    assertThat(Tensors.geomspace(DType.F64, -16, -1, 4, false).toDoubleArray())
        .containsExactly(new double[] {-16, -8, -4, -2}, within(1e-13));
    assertThat(Tensors.geomspace(DType.F64, 3, 7, 2, true).toDoubleArray()).containsExactly(3, 7);
    assertHolds(Tensors.geomspace(DType.F64, 3, 7, 1, true), 3);
    for (double stop : new double[] {0, -1, Double.NaN}) {
      assertThatThrownBy(() -> Tensors.geomspace(DType.F64, 1, stop, 3, true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "start, stop: expected numbers of one sign, other than 0, got 1.0 and " + stop);
    }
    assertThatThrownBy(() -> Tensors.logspace(DType.F64, 0, 1, -1, true, 10))
        .hasMessage("count: expected 0 or more, got -1");
  }

  @Test
  void integersAreDrawnFromTheirRange() {
    Tensor x = Tensors.integers(new SplittableRandom(1), -2, 3, 50, 20);
    assertThat(x.shape()).containsExactly(50, 20);
    assertThat(x.isConstant()).isTrue();
    assertThat(Arrays.stream(x.toDoubleArray()).distinct().sorted())
        .containsExactly(-2.0, -1.0, 0.0, 1.0, 2.0);
    assertThatThrownBy(() -> Tensors.integers(new SplittableRandom(1), 3, 3, 1))
        .hasMessage("low, high: expected low < high, got 3 and 3");
  }

  @Test
  void repeatTakesOneNumberOrOneForEachPart() {
    Tensor x = Tensor.of(new double[][] {{1, 2}, {3, 4}});
    assertHolds(x.repeat(2), 1, 1, 2, 2, 3, 3, 4, 4);
    assertHolds(x.repeat(new int[] {1, 2}, 0), 1, 2, 3, 4, 3, 4);
    assertHolds(x.repeat(new int[] {0, 3}, -1), 2, 2, 2, 4, 4, 4);
    assertHolds(x.repeat(new int[] {2}, 1), 1, 1, 2, 2, 3, 3, 4, 4);
    assertThat(x.repeat(0).shape()).containsExactly(0);
    Tensor y = x.repeat(new int[] {1, 3}, 0);
    y.backward();
    assertHolds(x.grad(), 1, 1, 3, 3);
    assertThatThrownBy(() -> x.repeat(new int[] {1, 2, 3}, 0))
        .hasMessage("times: expected 1 or 2 numbers, got 3");
    assertThatThrownBy(() -> x.repeat(new int[] {1, -2}, 0))
        .hasMessage("times: expected 0 or more, got -2");
    assertThatThrownBy(() -> x.repeat(-1)).hasMessage("times: expected 0 or more, got -1");
  }

  @Test
  void rollGoesAlongAxesOrThroughAllElements() {
    Tensor x = Tensor.of(new double[][] {{1, 2, 3}, {4, 5, 6}});
    assertHolds(x.roll(2), 5, 6, 1, 2, 3, 4);
    assertThat(x.roll(2).shape()).containsExactly(2, 3);
    assertHolds(x.roll(new int[] {1, 1}, new int[] {0, 1}), 6, 4, 5, 3, 1, 2);
    assertHolds(x.roll(new int[] {1, 1}, new int[] {1, 1}), 2, 3, 1, 5, 6, 4);
    assertThat(Tensors.zeros(DType.F64, 0, 2).roll(1).shape()).containsExactly(0, 2);
    assertThatThrownBy(() -> x.roll(new int[] {1}, new int[] {0, 1}))
        .hasMessage("shifts: expected 2, one for each axis, got 1");
  }

  @Test
  void axesAreAddedUpToANumber() {
    assertThat(Tensor.scalar(1).atLeast1d().shape()).containsExactly(1);
    assertThat(of(1, 2).atLeast1d().shape()).containsExactly(2);
    assertThat(Tensor.scalar(1).atLeast2d().shape()).containsExactly(1, 1);
    assertThat(of(1, 2).atLeast2d().shape()).containsExactly(1, 2);
    assertThat(Tensor.scalar(1).atLeast3d().shape()).containsExactly(1, 1, 1);
    assertThat(of(1, 2).atLeast3d().shape()).containsExactly(1, 2, 1);
    assertThat(of(1, 2).reshape(2, 1).atLeast3d().shape()).containsExactly(2, 1, 1);
    assertThat(Tensors.zeros(DType.F64, 2, 1, 1, 1).atLeast3d().ndim()).isEqualTo(4);
  }

  @Test
  void concatenationWithoutAnAxisIsOfAllElements() {
    Tensor x = Tensor.of(new double[][] {{1, 2}});
    Tensor y = Tensors.concatenate(x, Tensor.scalar(3), of(4));
    assertHolds(y, 1, 2, 3, 4);
    y.backward();
    assertThat(x.grad().shape()).containsExactly(1, 2);
    assertThatThrownBy(Tensors::concatenate).hasMessage("tensors: expected at least one");
  }

  @Test
  void sequencesAreAddedAndMultiplied() {
    Tensor x = of(1, 2);
    assertHolds(Tensors.addSequence(x, x, Tensor.scalar(10)), 12, 14);
    Tensor y = Tensors.multiplySequence(x, x, x);
    assertHolds(y, 1, 8);
    y.backward();
    assertHolds(x.grad(), 3, 12);
    assertThatThrownBy(() -> Tensors.addSequence(x))
        .hasMessage("tensors: expected at least two, got 1");
    assertThatThrownBy(Tensors::multiplySequence)
        .hasMessage("tensors: expected at least two, got 0");
  }

  @Test
  void chainsOfMatricesAreTheirProductsInTheCheapestOrder() {
    SplittableRandom random = new SplittableRandom(1);
    Tensor a = CentralDifferences.random(random, -1, 1, 10, 2);
    Tensor b = CentralDifferences.random(random, -1, 1, 2, 10);
    Tensor c = CentralDifferences.random(random, -1, 1, 10, 3);
    Tensor v = CentralDifferences.random(random, -1, 1, 10);
    Tensor w = CentralDifferences.random(random, -1, 1, 3);
    assertThat(Tensors.multiMatmul(a, b, c).allClose(a.matmul(b).matmul(c), 1e-13, 1e-13)).isTrue();
    assertThat(Graph.text(Tensors.multiMatmul(a, b, c)))
        .startsWith("%0 = MatMul(%1, %2): F64(10, 3)\n%1: F64(10, 2)\n%2 = MatMul");
    assertThat(Tensors.multiMatmul(v, a, b, c, w).shape()).isEmpty();
    assertThat(
            Tensors.multiMatmul(v, a, b, c, w)
                .allClose(v.matmul(a).matmul(b).matmul(c).matmul(w), 1e-13, 1e-13))
        .isTrue();
    assertThat(Tensors.multiMatmul(v, v).item()).isCloseTo(v.square().sum().item(), within(1e-14));
    CentralDifferences.check(
        random, in -> Tensors.multiMatmul(in.toArray(Tensor[]::new)), List.of(a, b, c, w));
    assertThatThrownBy(() -> Tensors.multiMatmul(a))
        .hasMessage("matrices: expected at least two, got 1");
    assertThatThrownBy(() -> Tensors.multiMatmul(a, v, c))
        .hasMessage(
            "matrices: expected a matrix, of the first and the last a matrix or a vector, got shape"
                + " (10) of matrix 1");
    assertThatThrownBy(() -> Tensors.multiMatmul(a, c, b))
        .hasMessage(
            "matrices: shape (10, 3) of matrix 1 does not continue (10, 2): the inner sizes differ");
  }

  @Test
  void variancesWithFewerDegreesOfFreedom() {
    Tensor x = Tensor.of(new double[][] {{1, 2, 4, 9}, {3, 3, 3, 3}});
    assertHolds(x.var(1, false, 1), 38 / 3.0, 0);
    assertHolds(x.std(1, true, 1), Math.sqrt(38 / 3.0), 0);
    assertThat(x.std(1, true, 1).shape()).containsExactly(2, 1);
    assertHolds(x.var(0, false, 1), 38 / 4.0, 0);
    assertHolds(x.var(4, false, 1), Double.POSITIVE_INFINITY, Double.NaN);
    assertThatThrownBy(() -> x.std(-1, false)).hasMessage("ddof: expected 0 or more, got -1");
    SplittableRandom random = new SplittableRandom(2);
    List<Tensor> in = List.of(CentralDifferences.random(random, -2, 2, 3, 4));
    CentralDifferences.check(random, t -> t.get(0).var(1, false, 0), in);
    CentralDifferences.check(random, t -> t.get(0).std(2, false, 1), in);
  }

  @Test
  void cumulativeProductsGoAlongAnAxisOrThroughAllElements() {
    Tensor x = Tensor.of(new double[][] {{2, 3, 0}, {4, -1, 5}});
    assertHolds(x.cumprod(1), 2, 6, 0, 4, -4, -20);
    assertHolds(x.cumprod(0), 2, 3, 0, 8, -3, 0);
    assertHolds(x.cumprod(), 2, 6, 0, 0, -0.0, -0.0);
    assertHolds(x.cumsum(), 2, 5, 5, 9, 8, 13);
    assertThat(Tensors.zeros(DType.F64, 2, 0).cumprod(1).shape()).containsExactly(2, 0);
    Tensor y = of(2, 0, 3, 0.5);
    y.cumprod().backward();
    assertHolds(y.grad(), 1, 2 + 6 + 3, 0, 0); // by hand: the zero is in all products behind it
    SplittableRandom random = new SplittableRandom(3);
    CentralDifferences.check(
        random,
        t -> t.get(0).cumprod(1),
        List.of(CentralDifferences.random(random, -2, 2, 2, 7, 2)));
  }

  /** So that a change of the result in place is none of the tensor. */
  @Test
  void whatMovesOrMultipliesNothingIsATensorOfItsOwn() {
    Tensor x = Tensor.of(new double[][] {{1}, {2}});
    for (Tensor y :
        List.of(
            x.cumprod(1),
            x.prod(true, 1),
            Functions.globalAvgPool(x),
            x.roll(0),
            x.roll(2, 0),
            x.roll(new int[0], new int[0]),
            x.repeat(1, 0),
            x.slice(Index.of(0, 1)))) {
      y.addInPlace(1);
      NoAutodiff.call(() -> y.addInPlace(1));
    }
    assertHolds(x, 1, 2);
    assertThat(NoAutodiff.call(() -> x.cumprod(1)).isConstant()).isTrue();
  }

  @Test
  void placesOfTheLargestOfAll() {
    Tensor x = Tensor.of(new double[][] {{1, 7, 2}, {7, 0, 0}});
    assertThat(x.argmax()).isEqualTo(1);
    assertThat(x.argmin()).isEqualTo(4);
    assertThat(of(1, Double.NaN, 3).argmax()).isEqualTo(1);
    assertThat(Tensor.scalar(3).argmin()).isZero();
    assertThatThrownBy(() -> Tensors.zeros(DType.F64, 0, 2).argmax())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("x: no elements");
  }
}
