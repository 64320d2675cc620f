package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values and shapes at the edges, where formulas written without care give NaN or worse. */
class EdgeCasesTest {
  private static Tensor of(double... values) {
    return Tensor.of(values);
  }

  private static double[] gradient(UnaryOperator<Tensor> f, Tensor x) {
    f.apply(x).backward();
    return x.grad().toDoubleArray();
  }

  @Test
  void focalLossOfACertainSampleHasNoGradient() {
    for (double gamma : new double[] {0.5, 1, 1.5, 2}) {
      Tensor scores = Tensor.of(new float[] {40, 0, 0, 50, 0, 0}, 2, 3);
      assertThat(gradient(x -> Losses.softmaxFocal(x, 1, gamma, 0, 0), scores))
          .containsExactly(0, 0, 0, 0, 0, 0);
      Tensor sure = Tensor.of(new double[] {1, 0}, 1, 2);
      assertThat(gradient(x -> Losses.focal(x, 1, gamma, 0), sure)).containsExactly(0, 0);
    }
  }

  @Test
  void focalLossOfAnAlmostCertainSampleIsExact() {
    Tensor scores = Tensor.of(new float[] {15, 0}, 1, 2);
    double rest = 1 / (1 + Math.exp(15)); // 1 - p
    double exact = -Math.pow(rest, 2) * Math.log1p(-rest);
    assertThat(Losses.softmaxFocal(scores, 1, 2, 0).item()).isCloseTo(exact, within(1e-6 * exact));
  }

  @Test
  void eluGoesOnToInfinity() {
    Tensor x = of(Double.POSITIVE_INFINITY, 1, Double.NEGATIVE_INFINITY);
    assertThat(gradient(t -> Functions.elu(t, 1), x)).containsExactly(1, 1, 0);
    assertThat(gradient(t -> Functions.elu(t, 1), of(Double.NaN))[0]).isNaN();
    assertThat(gradient(Functions::selu, of(Double.POSITIVE_INFINITY))[0])
        .isEqualTo(1.0507009873554805);
  }

  @Test
  void powerHasTheDtypeThatHoldsBoth() {
    Tensor base = of(3);
    gradient(x -> x.pow(Tensor.of(new float[] {0.1f})), base);
    double y = 0.1f;
    assertThat(base.grad().item()).isCloseTo(y * Math.pow(3, y - 1), within(1e-16));
    Tensor exponent = of(2);
    gradient(y2 -> Tensor.of(new float[] {3}).pow(y2), exponent);
    assertThat(exponent.grad().item()).isCloseTo(9 * Math.log(3), within(1e-14));
  }

  @Test
  void mixedSecondDerivativesOfPowerAreTheSame() {
    Tensor x = of(2);
    Tensor y = of(0);
    assertThat(second(x, x, y)).isEqualTo(0.5);
    assertThat(second(y, x, y)).isEqualTo(0.5);
    assertThat(gradient(t -> t.pow(0), of(0, 2))).containsExactly(0, 0);
  }

  private static final List<Double> EXTREMES =
      List.of(
          0.0,
          -0.0,
          6e-6,
          -6e-8,
          1e-39,
          -3e-45,
          1e300,
          Double.MIN_VALUE,
          Double.NaN,
          Double.MAX_VALUE);

  @ParameterizedTest
  @EnumSource
  void powerOfExponentZeroIsFlatEverywhere(DType dtype) {
    for (double extreme : EXTREMES) {
      Tensor x = of(extreme).astype(dtype).copy();
      x.pow(0).backward();
      assertThat(x.grad().item()).as("%s of %s", extreme, dtype).isZero();
      assertThat(x.grad().dtype()).isEqualTo(dtype);
    }
  }

  @Test
  void derivativesThatSixteenBitsHoldDoNotPassThroughWhatTheyDoNot() {
    Tensor x = of(6e-6).astype(DType.F16).copy();
    x.pow(1e-4).backward();
    double base = x.item();
    double exponent = DType.F16.round(1e-4);
    double expected = exponent * Math.pow(base, exponent - 1);
    assertThat(x.grad().item()).isCloseTo(expected, within(0.001 * expected));
    Tensor y = of(1000).astype(DType.F16).copy();
    of(2000).astype(DType.F16).divide(y).backward(60_000);
    assertThat(y.grad().item()).isCloseTo(-120, within(0.1));
    int count = 70_000; // more than the largest number of f16
    Tensor many = Tensors.full(DType.F16, 2, count);
    Tensor mean = many.mean();
    mean.backward();
    assertThat(mean.item()).isEqualTo(2);
    assertThat(many.grad().get(0)).isCloseTo(1.0 / count, within(0x1p-25));
    assertThat(many.var().item()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void standardDeviationOfAConstantChannelHasNoGradient(DType dtype) {
    SplittableRandom random = new SplittableRandom(31);
    for (int round = 0; round < 200; round++) {
      int count = random.nextInt(1, 60);
      double[] values = new double[2 * count];
      double same = random.nextDouble(-100, 100);
      for (int i = 0; i < count; i++) {
        values[2 * i] = same;
        values[2 * i + 1] = i + random.nextDouble();
      }
      Tensor x = Tensor.of(values, count, 2).astype(dtype).copy();
      Tensor std = x.std(true, 0);
      assertThat(std.get(0, 0)).as("%s times %s", count, same).isZero();
      assertThat(count == 1 || std.get(0, 1) > 0).isTrue();
      Tensor once = Gradients.of(std, x).get(0);
      Tensor twice = Gradients.of(once.multiply(once), x).get(0);
      std.backward();
      for (int i = 0; i < count; i++) {
        assertThat(x.grad().get(i, 0)).isZero();
        assertThat(once.get(i, 0)).isZero();
        assertThat(twice.get(i, 0)).isZero();
      }
      assertThat(count == 1 || x.grad().get(0, 1) != 0).isTrue();
    }
  }

  @Test
  void standardDeviationOfNothingOrOfNaNIsNaN() {
    assertThat(Tensor.of(new double[0], 0, 2).std(0).toDoubleArray()).containsOnly(Double.NaN);
    assertThat(of(1, Double.NaN).std().item()).isNaN();
    assertThat(gradient(t -> t.std(), of(1, Double.NaN))).containsOnly(Double.NaN);
    assertThat(gradient(t -> t.std(), of(1e-200, 3e-200))).containsExactly(0, 0); // squares are 0
  }

  private static double second(Tensor first, Tensor x, Tensor y) {
    Tensor d = Gradients.of(x.pow(y), first).get(0);
    return Gradients.of(d, first == x ? y : x).get(0).item();
  }

  @Test
  void logaddexpOfEqualInfinitiesHasHalfOfTheGradientEach() {
    for (double infinity : new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      Tensor x = of(infinity, 1, infinity);
      Tensor y = of(infinity, 1, 1);
      Tensor sum = x.logaddexp(y);
      assertThat(sum.get(0)).isEqualTo(infinity);
      sum.backward();
      double alone = infinity > 0 ? 1 : 0;
      assertThat(x.grad().toDoubleArray()).containsExactly(0.5, 0.5, alone);
      assertThat(y.grad().toDoubleArray()).containsExactly(0.5, 0.5, 1 - alone);
    }
  }

  @Test
  void globalAveragePoolingOfOneElementEachIsTheSame() {
    Tensor x = of(1, 2, 3, 4, 5, 6).reshape(2, 3);
    assertThat(Functions.globalAvgPool(x).shape()).containsExactly(2, 3);
    assertThatThrownBy(() -> Functions.globalAvgPool(of(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("x: expected shape (N, C, ...)");
  }

  @Test
  void aConditionThatChangedIsNoticed() {
    Tensor condition = of(1, 0);
    Tensor chosen = Tensors.where(condition, of(1, 2), of(3, 4));
    condition.update(storage -> storage.set(0, 0));
    assertThatThrownBy(chosen::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessageContaining("changed in place");
  }

  @Test
  void aResultThatChangedIsNoticed() {
    Tensor x = of(1, 2);
    Tensor y = x.add(1);
    y.reshape(2, 1).update(storage -> storage.set(0, 5));
    Tensor z = y.multiply(y);
    assertThatThrownBy(z::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessageContaining("Add: output of shape (2)");
    assertThat(x.grad()).isNull();
  }

  @Test
  void gradientsCannotBeChangedThroughViews() {
    Tensor x = of(1, 2, 3, 4);
    x.add(1).backward();
    Tensor grad = x.grad();
    for (Tensor view :
        List.of(grad, grad.asConstant(), grad.reshape(2, 2), grad.slice(Index.to(2)))) {
      assertThatThrownBy(() -> view.update(storage -> storage.set(0, 99)))
          .isInstanceOf(IllegalStateException.class);
    }
    grad.copy().update(storage -> storage.set(0, 99));
    assertThat(grad.toDoubleArray()).containsExactly(1, 1, 1, 1);
  }

  @Test
  void whatChangesNothingIsConstantWithoutRecording() {
    Tensor x = of(1, 2);
    List<UnaryOperator<Tensor>> nothing =
        List.of(
            t -> t.astype(DType.F64),
            t -> t.reshape(2),
            Tensor::flatten,
            t -> t.broadcastTo(2),
            Tensor::squeeze,
            t -> t.slice(Index.all()),
            t -> Tensors.einsum("i->i", t));
    for (UnaryOperator<Tensor> f : nothing) {
      assertThat(NoAutodiff.call(() -> f.apply(x)).isConstant()).isTrue();
      assertThat(f.apply(x)).isSameAs(x);
    }
  }

  @Test
  void einsumRepeatsAxesOfSizeOne() {
    Tensor row = of(1, 2).reshape(1, 2);
    Tensor rows = Tensors.ones(DType.F64, 3, 2);
    assertThat(Tensors.einsum("...i,...i->...", row, rows).toDoubleArray())
        .containsExactly(3, 3, 3);
    assertThat(Tensors.einsum("i,i->i", of(2), of(1, 2, 3)).toDoubleArray())
        .containsExactly(2, 4, 6);
    CentralDifferences.check(
        new SplittableRandom(1),
        in -> Tensors.einsum("...i,...i->...", in.get(0), in.get(1)),
        List.of(row, Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 3, 2)));
    assertThatThrownBy(() -> Tensors.einsum("...i,...i->...", rows, Tensors.ones(DType.F64, 2, 2)))
        .hasMessage("operands: axis of ... has sizes 3 and 2");
    assertThatThrownBy(() -> Tensors.einsum("...i->i", rows)).hasMessageStartingWith("subscripts:");
  }

  @Test
  void nullAmongTensorsIsReportedByItsPlace() {
    Tensor x = of(1, 2);
    assertThatThrownBy(() -> Tensors.concatenate(0, x, null))
        .hasMessage("tensors: tensor 1 is null");
    assertThatThrownBy(() -> Tensors.stack(0, null, x)).hasMessage("tensors: tensor 0 is null");
    assertThatThrownBy(() -> Tensors.einsum("i,i", x, null))
        .hasMessage("operands: tensor 1 is null");
    assertThatThrownBy(() -> Gradients.of(x, x, x, null)).hasMessage("inputs: tensor 2 is null");
    assertThatThrownBy(() -> Gradients.of(x, of(1), Arrays.asList(x, null)))
        .hasMessage("inputs: tensor 1 is null");
    assertThatThrownBy(() -> Checkpoint.of(Tensor::exp, x, Arrays.asList(x, null)))
        .hasMessage("parameters: tensor 1 is null");
  }

  @Test
  void argumentsThatDoNotFitAreNamed() {
    Tensor x = of(1, 2, 3, 4).reshape(2, 2);
    assertThatThrownBy(() -> x.slice((Index) null)).hasMessageStartingWith("indices:");
    assertThatThrownBy(() -> Functions.dense(of(1, 2, 3).reshape(1, 3), x, null))
        .hasMessage("x: expected shape (N, 2), as the weights have it, got (1, 3)");
    assertThatThrownBy(() -> Functions.dense(x, of(1, 2), null))
        .hasMessage("weight: expected shape (out, in), got (2)");
    assertThatThrownBy(() -> Losses.softmaxFocal(of(1, 2), 1, 1, 0, 1))
        .hasMessage("scores: expected shape (N, K), got (2)");
    assertThatThrownBy(() -> Functions.dense(x, x, of(1, 2, 3)))
        .hasMessage("bias: expected shape (2) (out), got (3)");
    assertThatThrownBy(() -> Functions.dense(x, x, x)).hasMessageStartingWith("bias:");
    assertThat(Functions.dense(x, x, null).toDoubleArray()).containsExactly(5, 11, 11, 25);
    assertThatThrownBy(() -> x.backward(of(1, 2, 3)))
        .hasMessage("seed: shape (3) does not broadcast to (2, 2)");
    assertThatThrownBy(() -> x.broadcastTo(3, 3))
        .hasMessage("this: shape (2, 2) does not broadcast to (3, 3)");
    assertThatThrownBy(() -> Tensor.scalar(1).cumsum(0))
        .hasMessage("axis: expected none, as there are no axes, got 0");
    assertThatThrownBy(() -> Losses.marginRanking(of(1, 2), x, of(1), 0))
        .hasMessageStartingWith("x2:");
    assertThatThrownBy(() -> Losses.marginRanking(of(1, 2), of(1, 2), x, 0))
        .hasMessageStartingWith("y:");
    assertThatThrownBy(() -> Tensors.arange(DType.F64, 0, 1, Double.POSITIVE_INFINITY))
        .hasMessageStartingWith("step:");
    assertThatThrownBy(() -> Tensors.arange(DType.F64, 0, 1, 1e-10))
        .hasMessageContaining("more than 2^31-1 elements");
  }
}
