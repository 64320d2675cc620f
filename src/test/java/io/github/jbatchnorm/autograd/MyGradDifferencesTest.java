package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of the table in docs/mygrad.md that no other test holds. */
class MyGradDifferencesTest {
  private static Tensor of(double... values) {
    return Tensor.of(values);
  }

  @Test
  void aStepWithoutRecordingMakesAConstantAndAnUpdateDoesNot() {
    Tensor w = of(1, 2);
    w.square().backward();
    Tensor grad = w.grad();
    Tensor stepped = NoAutodiff.call(() -> w.subtract(grad.multiply(0.1)));
    assertThat(stepped.isConstant()).isTrue();
    assertThat(stepped.square().isConstant()).isTrue();
    Tensor next = Tensor.variable(stepped.storage(), stepped.shape());
    next.square().backward();
    assertThat(next.grad().toDoubleArray()).containsExactly(1.6, 3.2);
    w.update(storage -> storage.set(0, 5));
    w.square().backward();
    assertThat(w.grad().toDoubleArray()).containsExactly(10, 4);
  }

  @Test
  void astypeStaysInTheGraph() {
    Tensor x = of(1, 2);
    x.astype(DType.F32).square().backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(2, 4);
    assertThat(x.grad().dtype()).isEqualTo(DType.F64);
    assertThat(x.astype(DType.F64)).isSameAs(x);
  }

  @Test
  void copyDropsTheGradient() {
    Tensor x = of(1, 2);
    x.square().backward();
    assertThat(x.grad()).isNotNull();
    assertThat(x.copy().grad()).isNull();
    assertThat(x.copy().isConstant()).isFalse();
  }

  @Test
  void hardTanhRefusesBoundsInTheWrongOrder() {
    assertThatThrownBy(() -> Functions.hardTanh(of(1), 2, -2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("low, high: expected low <= high, got 2.0 and -2.0");
  }

  @Test
  void clearingStopsAtConstants() {
    Tensor c = of(1, 2).asConstant().square();
    Tensor x = of(3, 4);
    Tensor y = x.multiply(c);
    y.backward();
    c.backward();
    assertThat(y.creator()).isNull();
    assertThat(c.creator()).isNotNull();
    assertThat(c.creator().inputs()).isEmpty();
  }

  @Test
  void aSliceOfEverythingIsTheTensorItself() {
    Tensor x = of(1, 2, 3, 4).reshape(2, 2);
    assertThat(x.slice(Index.all())).isSameAs(x);
    assertThat(x.slice(Index.ellipsis())).isSameAs(x);
    assertThat(x.slice(Index.range(0, 2), Index.from(-9))).isSameAs(x);
    assertThat(x.reshape(2, 2)).isSameAs(x);
    assertThat(x.slice(Index.newAxis())).isNotSameAs(x);
  }

  @ParameterizedTest
  @EnumSource
  void meanAndVarHaveTheDtypeOfY(DType dtype) {
    Tensor x = of(1, 2, 4, 8).reshape(4, 1).astype(dtype);
    BatchNormOp narrow = BatchNormOp.on(x).operation();
    assertThat(narrow.apply().dtype()).isEqualTo(dtype);
    assertThat(narrow.mean().dtype()).isEqualTo(dtype.parameters());
    BatchNormOp wide = BatchNormOp.on(x).gamma(of(2)).operation();
    assertThat(wide.apply().dtype()).isEqualTo(DType.F64);
    assertThat(wide.mean().dtype()).isEqualTo(DType.F64);
    assertThat(wide.var().dtype()).isEqualTo(DType.F64);
  }

  @ParameterizedTest
  @EnumSource
  void theMeanOfAChannelWithAnInfinityIsNaN(DType dtype) {
    for (int at = 0; at < 40; at++) {
      double[] values = new double[40];
      values[at] = Double.POSITIVE_INFINITY;
      Tensor x = Tensor.of(values, 40, 1).astype(dtype).copy();
      Tensor gamma = of(2).astype(dtype.parameters()).copy();
      BatchNormOp op = BatchNormOp.on(x).gamma(gamma).operation();
      Tensor y = op.apply();
      y.backward();
      assertThat(op.mean().item()).isNaN();
      assertThat(gamma.grad().item()).isNaN();
      assertThat(op.var().item()).isNaN();
      assertThat(y.toDoubleArray()).containsOnly(Double.NaN);
      assertThat(x.grad().toDoubleArray()).containsOnly(Double.NaN);
    }
  }

  @Test
  void theExponentialOfOneIsOneUnitOffInF64() {
    double e = of(1).exp().item();
    assertThat(e).isEqualTo(Math.nextUp(Math.E));
    assertThat(Tensor.of(new float[] {1}).exp().item()).isEqualTo((float) Math.E);
  }
}
