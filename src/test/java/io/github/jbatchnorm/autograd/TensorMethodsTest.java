package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What indexing, joining, reductions and the like give, as NumPy gives it. */
class TensorMethodsTest {
  private static Tensor counted(int... shape) {
    int size = Shapes.size(shape);
    return Tensor.of(IntStream.range(0, size).asDoubleStream().toArray(), shape);
  }

  @Test
  void slicesAreThoseOfNumpy() {
    Tensor x = counted(3, 4);
    assertThat(x.slice(Index.at(1)).toDoubleArray()).containsExactly(4, 5, 6, 7);
    assertThat(x.slice(Index.at(-1), Index.at(2)).item()).isEqualTo(10);
    assertThat(x.slice(Index.all(), Index.at(1)).toDoubleArray()).containsExactly(1, 5, 9);
    assertThat(x.slice(Index.range(0, 2), Index.from(2)).toDoubleArray())
        .containsExactly(2, 3, 6, 7);
    assertThat(x.slice(Index.step(-2)).toDoubleArray()).containsExactly(8, 9, 10, 11, 0, 1, 2, 3);
    assertThat(x.slice(Index.at(0), Index.range(-1, 0, -2)).toDoubleArray()).containsExactly(3, 1);
    assertThat(x.slice(Index.range(5, 9)).shape()).containsExactly(0, 4);
    assertThat(x.slice(Index.range(-9, 1)).shape()).containsExactly(1, 4);
    assertThat(x.slice(Index.ellipsis(), Index.newAxis(), Index.to(1)).shape())
        .containsExactly(3, 1, 1);
    assertThat(x.slice().shape()).containsExactly(3, 4);
  }

  @Test
  void contiguousSlicesShareMemoryAndAreWatched() {
    Tensor x = counted(3, 4);
    Tensor row = x.slice(Index.at(1));
    x.update(storage -> storage.set(4, 100));
    assertThat(row.get(0)).isEqualTo(100);
    Tensor y = row.exp();
    x.update(storage -> storage.set(5, 100));
    assertThatThrownBy(y::backward).isInstanceOf(InvalidBackpropException.class);
  }

  @Test
  void indicesOutOfRangeAreRefused() {
    Tensor x = counted(3, 4);
    assertThatThrownBy(() -> x.slice(Index.at(3)))
        .hasMessage("indices: 3 is out of range for axis 0 of size 3");
    assertThatThrownBy(() -> x.slice(Index.all(), Index.all(), Index.all()))
        .hasMessage("indices: expected at most 2 for shape (3, 4), got 3");
    assertThatThrownBy(() -> x.slice(Index.ellipsis(), Index.ellipsis()))
        .hasMessage("indices: at most one ellipsis");
    assertThatThrownBy(() -> Index.range(0, 1, 0)).hasMessage("step: expected other than 0");
    assertThatThrownBy(() -> x.take(0, 5))
        .hasMessage("indices: 5 is out of range for axis 0 of size 3");
    assertThatThrownBy(() -> x.select(true)).hasMessage("mask: expected 12 elements, got 1");
  }

  @Test
  void takeAndSelectPick() {
    Tensor x = counted(2, 3);
    assertThat(x.take(1, 2, 0, -1).toDoubleArray()).containsExactly(2, 0, 2, 5, 3, 5);
    assertThat(x.take(0, 1).shape()).containsExactly(1, 3);
    assertThat(x.take(0).shape()).containsExactly(0, 3);
    assertThat(x.select(true, false, false, false, true, false).toDoubleArray())
        .containsExactly(0, 4);
  }

  @Test
  void joiningPutsTensorsSideBySide() {
    Tensor x = counted(2, 2);
    assertThat(Tensors.concatenate(1, x, x.negate()).toDoubleArray())
        .containsExactly(0, 1, -0.0, -1, 2, 3, -2, -3);
    assertThat(Tensors.concatenate(0, x, counted(1, 2)).shape()).containsExactly(3, 2);
    assertThat(Tensors.stack(0, x, x).shape()).containsExactly(2, 2, 2);
    assertThat(Tensors.stack(-1, x, x).toDoubleArray()).containsExactly(0, 0, 1, 1, 2, 2, 3, 3);
    assertThat(Tensors.concatenate(0, x, Tensors.ones(DType.F32, 1, 2)).dtype())
        .isEqualTo(DType.F64);
    assertThatThrownBy(() -> Tensors.concatenate(0, x, counted(2, 3)))
        .hasMessage(
            "tensors: shape (2, 3) of tensor 1 does not fit (2, 2) of the first but for axis 0");
    assertThatThrownBy(() -> Tensors.concatenate(0)).hasMessage("tensors: expected at least one");
  }

  @Test
  void axesComeAndGo() {
    Tensor x = counted(1, 3, 1);
    assertThat(x.squeeze().shape()).containsExactly(3);
    assertThat(x.squeeze(-1).shape()).containsExactly(1, 3);
    assertThatThrownBy(() -> x.squeeze(1))
        .hasMessage("axes: axis 1 of shape (1, 3, 1) is not of size 1");
    assertThat(counted(2, 3).expandDims(0, -1).shape()).containsExactly(1, 2, 3, 1);
    assertThat(counted(2, 3, 4).swapAxes(0, 2).shape()).containsExactly(4, 3, 2);
    assertThat(counted(2, 3, 4).moveAxis(0, -1).shape()).containsExactly(3, 4, 2);
    assertThat(counted(2, 3).moveAxis(1, 0).toDoubleArray()).containsExactly(0, 3, 1, 4, 2, 5);
  }

  @Test
  void reductionsAreThoseOfNumpy() {
    Tensor x = Tensor.of(new double[] {3, -1, 2, 5, 0, 5}, 2, 3);
    assertThat(x.max().item()).isEqualTo(5);
    assertThat(x.max(0).toDoubleArray()).containsExactly(5, 0, 5);
    assertThat(x.min(true, 1).shape()).containsExactly(2, 1);
    assertThat(x.min(1).toDoubleArray()).containsExactly(-1, 0);
    assertThat(x.prod(0).toDoubleArray()).containsExactly(15, -0.0, 10);
    assertThat(x.prod().item()).isZero();
    assertThat(x.cumsum(1).toDoubleArray()).containsExactly(3, 2, 4, 5, 5, 10);
    assertThat(x.cumsum(0).toDoubleArray()).containsExactly(3, -1, 2, 8, -1, 7);
    assertThat(x.std(1).get(0)).isEqualTo(Math.sqrt(26.0 / 9));
  }

  @Test
  void gradientOfMaxGoesToTheFirstOfEquals() {
    Tensor x = Tensor.of(new double[] {3, 5, 5, 1}, 4);
    x.max().backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(0, 1, 0, 0);
  }

  @Test
  void gradientOfProdIsRightWhereFactorsAreZero() {
    Tensor x = Tensor.of(new double[] {2, 0, 3}, 3);
    x.prod().backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(0, 6, 0);
    Tensor two = Tensor.of(new double[] {0, 0, 3}, 3);
    two.prod().backward();
    assertThat(two.grad().toDoubleArray()).containsExactly(0, 0, 0);
  }

  @Test
  void nanIsTheLargestAndTheSmallest() {
    Tensor x = Tensor.of(new double[] {3, Double.NaN, 5}, 3);
    assertThat(x.max().item()).isNaN();
    assertThat(x.min().item()).isNaN();
    assertThat(x.clip(0, 4).toDoubleArray()).containsExactly(3, Double.NaN, 4);
    assertThat(x.minimum(4).toDoubleArray()).containsExactly(3, Double.NaN, 4);
  }

  @Test
  void emptyAxesReduceToNeutralElementsOrAreRefused() {
    Tensor x = Tensors.zeros(DType.F64, 0, 3);
    assertThat(x.sum(0).toDoubleArray()).containsExactly(0, 0, 0);
    assertThat(x.prod(0).toDoubleArray()).containsExactly(1, 1, 1);
    assertThat(x.mean(0).toDoubleArray()).containsOnly(Double.NaN);
    assertThat(x.max(1).shape()).containsExactly(0);
    assertThat(x.cumsum(0).shape()).containsExactly(0, 3);
    assertThatThrownBy(() -> x.max(0)).isInstanceOf(IllegalArgumentException.class);
    assertThat(x.transpose().shape()).containsExactly(3, 0);
    assertThat(x.matmul(Tensors.ones(DType.F64, 3, 2)).shape()).containsExactly(0, 2);
    assertThat(Tensors.ones(DType.F64, 2, 0).matmul(x).toDoubleArray()).containsOnly(0);
    x.exp().backward();
    assertThat(x.grad().shape()).containsExactly(0, 3);
  }

  @Test
  void whereIgnoresWhatIsNotChosen() {
    Tensor x = Tensor.of(new double[] {-1, 4}, 2);
    Tensor y = Tensors.where(x.greater(0), x.sqrt(), Tensor.scalar(0));
    assertThat(y.toDoubleArray()).containsExactly(0, 2);
    Tensor safe = Tensors.where(x.greater(0), x, Tensor.scalar(1)).log();
    safe.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(0, 0.25);
  }

  @Test
  void matmulBroadcastsAsNumpys() {
    Tensor x = counted(2, 1, 2, 3);
    Tensor y = counted(4, 3, 2);
    Tensor product = x.matmul(y);
    assertThat(product.shape()).containsExactly(2, 4, 2, 2);
    double expected = 0;
    for (int k = 0; k < 3; k++) {
      expected += x.get(1, 0, 1, k) * y.get(3, k, 0);
    }
    assertThat(product.get(1, 3, 1, 0)).isEqualTo(expected);
    assertThat(counted(3).matmul(counted(3)).item()).isEqualTo(5);
    assertThat(counted(2, 3).matmul(counted(3)).shape()).containsExactly(2);
    assertThatThrownBy(() -> counted(2, 3).matmul(counted(2, 3)))
        .hasMessage("other: shape (2, 3) does not continue (2, 3): the inner sizes differ");
  }

  @Test
  void einsumIsThatOfNumpy() {
    Tensor x = counted(2, 3);
    Tensor y = counted(3, 4);
    assertThat(Tensors.einsum("ij,jk", x, y).toDoubleArray())
        .isEqualTo(x.matmul(y).toDoubleArray());
    assertThat(Tensors.einsum("ij->j", x).toDoubleArray()).containsExactly(3, 5, 7);
    assertThat(Tensors.einsum("ba", x).shape()).containsExactly(3, 2);
    assertThat(Tensors.einsum("ii", counted(3, 3)).item()).isEqualTo(12);
    assertThat(Tensors.einsum("ii->i", counted(3, 3)).toDoubleArray()).containsExactly(0, 4, 8);
    assertThat(Tensors.einsum("...ij,...jk->...ik", counted(5, 2, 3), counted(5, 3, 2)).shape())
        .containsExactly(5, 2, 2);
    assertThat(Tensors.einsum("i,j,k->kij", counted(2), counted(3), counted(4)).shape())
        .containsExactly(4, 2, 3);
    for (String bad :
        List.of("ij", "ij,jk,k", "ij,kk", "ij,jk->iz", "ij,jk->ii", "i1,1k", "i,jk")) {
      assertThatThrownBy(() -> Tensors.einsum(bad, x, y))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void factoriesMakeWhatTheirNamesSay() {
    assertThat(Tensors.arange(DType.F64, 1, 2, 0.25).toDoubleArray())
        .containsExactly(1, 1.25, 1.5, 1.75);
    assertThat(Tensors.arange(DType.F64, 3, 0, -1).toDoubleArray()).containsExactly(3, 2, 1);
    assertThat(Tensors.arange(DType.F64, 3, 0, 1).size()).isZero();
    assertThatThrownBy(() -> Tensors.arange(DType.F64, 0, 1, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Tensors.linspace(DType.F64, 0, 1, 5).toDoubleArray())
        .containsExactly(0, 0.25, 0.5, 0.75, 1);
    assertThat(Tensors.linspace(DType.F32, 2, 3, 1).toDoubleArray()).containsExactly(2);
    assertThat(Tensors.identity(DType.F64, 2).toDoubleArray()).containsExactly(1, 0, 0, 1);
    assertThat(Tensors.full(DType.BF16, 0.5, 2).toDoubleArray()).containsExactly(0.5, 0.5);
  }

  @Test
  void randomTensorsFollowFromTheSeedAndHaveTheirMoments() {
    Tensor x = Tensors.normal(DType.F64, new SplittableRandom(5), 3, 2, 40_000);
    assertThat(x.toDoubleArray())
        .isEqualTo(
            Tensors.normal(DType.F64, new SplittableRandom(5), 3, 2, 40_000).toDoubleArray());
    assertThat(x.mean().item()).isBetween(2.95, 3.05);
    assertThat(x.std().item()).isBetween(1.95, 2.05);
    Tensor u = Tensors.uniform(DType.F64, new SplittableRandom(5), -1, 3, 40_000);
    assertThat(u.min().item()).isBetween(-1.0, -0.99);
    assertThat(u.max().item()).isBetween(2.99, 3.0);
    assertThat(u.mean().item()).isBetween(0.95, 1.05);
  }

  @Test
  void allCloseComparesShapesAndElements() {
    Tensor x = Tensor.of(new double[] {1, Double.POSITIVE_INFINITY}, 2);
    assertThat(x.allClose(Tensor.of(new double[] {1 + 1e-6, Double.POSITIVE_INFINITY}, 2), 1e-5, 0))
        .isTrue();
    assertThat(x.allClose(Tensor.of(new double[] {1.1, Double.POSITIVE_INFINITY}, 2), 1e-5, 0))
        .isFalse();
    assertThat(x.allClose(Tensor.of(new double[] {1, 5}, 2), 1e-5, 0)).isFalse();
    assertThat(x.allClose(x.reshape(1, 2), 1, 1)).isFalse();
    Tensor nan = Tensor.scalar(Double.NaN);
    assertThat(nan.allClose(nan, 1, 1)).isFalse();
  }

  @Test
  void lossesAreThoseOfTheirFormulas() {
    Tensor p = Tensor.of(new double[] {0.25, 0.75, 0.5, 0.5}, 2, 2);
    assertThat(Losses.focal(p, 2, 1, 1, 0).toDoubleArray())
        .containsExactly(-2 * 0.25 * Math.log(0.75), -2 * 0.5 * Math.log(0.5));
    Tensor scores = Tensor.of(new double[] {1, 2, 4, 3, 3, 0}, 2, 3);
    assertThat(Losses.multiclassHinge(scores, 1, 1, 0).item()).isEqualTo((3 + 1) / 2.0);
    assertThat(Losses.negativeLogLikelihood(scores, 2, 1).item()).isEqualTo(-3.5);
    assertThat(Losses.negativeLogLikelihood(scores, new double[] {0, 3, 1}, 2, 1).item())
        .isEqualTo(-(4 * 1 + 3 * 3) / 2.0); // over N, as MyGrad
    Tensor a = Tensor.of(new double[] {1, 2}, 2);
    Tensor b = Tensor.of(new double[] {3, 1}, 2);
    assertThat(Losses.marginRanking(a, b, Tensor.scalar(1), 0.5).item()).isEqualTo(1.25);
    assertThatThrownBy(() -> Losses.focal(p, 1, -1, 0, 0)).hasMessageStartingWith("gamma:");
    assertThatThrownBy(() -> Losses.multiclassHinge(p, 1, 0)).hasMessageStartingWith("labels:");
  }

  @Test
  void poolingAveragesWindows() {
    Tensor x = counted(1, 1, 4, 4);
    assertThat(Functions.avgPool(x, new int[] {2, 2}, new int[] {2, 2}).toDoubleArray())
        .containsExactly(2.5, 4.5, 10.5, 12.5);
    assertThat(Functions.globalAvgPool(x).toDoubleArray()).containsExactly(7.5);
    assertThat(Functions.maxPool(x, new int[] {4}, new int[] {4}).toDoubleArray())
        .containsExactly(3, 7, 11, 15);
  }

  @Test
  void dropoutKeepsTheMeanAndFollowsFromItsGenerator() {
    Tensor x = Tensors.ones(DType.F64, 20_000);
    Tensor y = Functions.dropout(x, 0.25, new SplittableRandom(1));
    assertThat(y.toDoubleArray()).containsOnly(0, 1 / 0.75);
    assertThat(y.mean().item()).isBetween(0.97, 1.03);
    y.backward();
    assertThat(x.grad().toDoubleArray()).isEqualTo(y.toDoubleArray());
    assertThatThrownBy(() -> Functions.dropout(x, 1, new SplittableRandom(1)))
        .hasMessageStartingWith("p: expected");
  }

  @Test
  void graphIsDrawnAsTextGraphvizAndMermaid() {
    Tensor x = Tensors.ones(DType.F32, 2, 3);
    Tensor y = x.multiply(x).sum();
    assertThat(Graph.text(y))
        .isEqualTo("%0 = Sum(%1): F32()\n%1 = Multiply(%2, %2): F32(2, 3)\n%2: F32(2, 3)\n");
    assertThat(Graph.graphviz(y))
        .startsWith("digraph {\n  t0 [shape=box, label=\"F32()\"];")
        .contains("o0 [label=\"Sum\"];", "t1 -> o0;", "o0 -> t0;", "t2 -> o1;")
        .endsWith("}\n");
    assertThat(Graph.mermaid(y))
        .startsWith("flowchart TD\n  t0[\"F32()\"]")
        .contains("o1([\"Multiply\"])", "t2 --> o1");
    y.backward();
    assertThat(Graph.text(y)).isEqualTo("%0: F32()\n");
  }

  @Test
  void argmaxIsTheFirstOfEqualsAndNanBeforeAnything() {
    Tensor x = Tensor.of(new double[] {1, 5, 5, 7, Double.NaN, 2}, 2, 3);
    assertThat(x.argmax(1)).containsExactly(1, 1);
    assertThat(x.argmin(-1)).containsExactly(0, 1);
    assertThat(x.argmax(0)).containsExactly(1, 1, 0);
    assertThat(Tensor.of(new double[0], 0, 3).argmax(1)).isEmpty();
    assertThatThrownBy(() -> Tensor.of(new double[0], 2, 0).argmax(1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void repeatAndRollAreNumpys() {
    Tensor x = Tensor.of(new double[] {1, 2, 3, 4}, 2, 2);
    assertThat(x.repeat(2, 1).toDoubleArray()).containsExactly(1, 1, 2, 2, 3, 3, 4, 4);
    assertThat(x.repeat(0, 0).shape()).containsExactly(0, 2);
    assertThat(x.roll(1, 0).toDoubleArray()).containsExactly(3, 4, 1, 2);
    assertThat(x.roll(-3, 1).toDoubleArray()).containsExactly(2, 1, 4, 3);
    assertThatThrownBy(() -> x.repeat(-1, 0)).hasMessageStartingWith("times:");
  }

  @Test
  void lessIsGreaterTurnedRound() {
    Tensor x = Tensor.of(new double[] {1, 2, Double.NaN});
    assertThat(x.less(Tensor.scalar(2)).toDoubleArray()).containsExactly(1, 0, 0);
    assertThat(Tensors.onesLike(x).toDoubleArray()).containsExactly(1, 1, 1);
    assertThat(Tensors.zerosLike(x).shape()).containsExactly(3);
  }

  @Test
  void logaddexpDoesNotOverflow() {
    Tensor x = Tensor.of(new double[] {1000, -1000, 0});
    Tensor y = Tensor.of(new double[] {1000, 0, 0});
    Tensor z = x.logaddexp(y);
    assertThat(z.toDoubleArray()).containsExactly(1000 + Math.log(2), 0, Math.log(2));
    z.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(0.5, 0, 0.5);
    assertThat(y.grad().toDoubleArray()).containsExactly(0.5, 1, 0.5);
    Tensor infinite =
        Tensor.of(new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0});
    assertThat(infinite.logaddexp(infinite).toDoubleArray())
        .containsExactly(Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Math.log(2));
    double small = Tensor.scalar(0).logaddexp(Tensor.scalar(-50)).item();
    assertThat(small).isEqualTo(StrictMath.exp(-50));
  }

  @Test
  void hyperbolicFunctionsGoOnToTheirEnds() {
    Tensor x = Tensor.of(new float[] {-20, -50, 100});
    x.sinh().backward();
    assertThat(x.grad().toFloatArray())
        .containsExactly((float) Math.cosh(-20), (float) Math.cosh(-50), Float.POSITIVE_INFINITY);
    Tensor y = Tensor.of(new float[] {-50});
    y.cosh().backward();
    assertThat(y.grad().toFloatArray()).containsExactly((float) Math.sinh(-50));
  }
}
