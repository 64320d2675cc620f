package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Comparisons, tests, logic and rounding as NumPy has them. */
class ComparisonMethodsTest {
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  private static Tensor of(double... values) {
    return Tensor.of(values);
  }

  private static void assertGives(Tensor found, double... expected) {
    assertThat(found.toDoubleArray()).containsExactly(expected);
    assertThat(found.isConstant()).isTrue();
  }

  @Test
  void comparisonsAreOneOrZeroAndFalseForNaN() {
    Tensor x = of(1, 2, 3, NAN, 0.0, NAN);
    Tensor y = of(2, 2, 2, 2, -0.0, NAN);
    assertGives(x.greater(y), 0, 0, 1, 0, 0, 0);
    assertGives(x.greaterEqual(y), 0, 1, 1, 0, 1, 0);
    assertGives(x.less(y), 1, 0, 0, 0, 0, 0);
    assertGives(x.lessEqual(y), 1, 1, 0, 0, 1, 0);
    assertGives(x.equal(y), 0, 1, 0, 0, 1, 0);
    assertGives(x.notEqual(y), 1, 0, 1, 1, 0, 1);
    assertGives(x.greater(2), 0, 0, 1, 0, 0, 0);
    assertGives(x.greaterEqual(2), 0, 1, 1, 0, 0, 0);
    assertGives(x.less(2), 1, 0, 0, 0, 1, 0);
    assertGives(x.lessEqual(2), 1, 1, 0, 0, 1, 0);
    assertGives(x.equal(2), 0, 1, 0, 0, 0, 0);
    assertGives(x.notEqual(2), 1, 0, 1, 1, 1, 1);
    assertThat(x.reshape(6, 1).less(y).shape()).containsExactly(6, 6);
    assertThat(x.less(Tensor.of(new float[] {1})).dtype()).isEqualTo(DType.F64);
    assertThat(x.astype(DType.F16).less(1).dtype()).isEqualTo(DType.F16);
    assertThatThrownBy(() -> x.less(of(1, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shapes (6) and (2) do not broadcast");
  }

  @Test
  void kindsOfNumbers() {
    Tensor x = of(1, NAN, INF, -INF, -0.0);
    assertGives(x.isNaN(), 0, 1, 0, 0, 0);
    assertGives(x.isInfinite(), 0, 0, 1, 1, 0);
    assertGives(x.isFinite(), 1, 0, 0, 0, 1);
    assertGives(x.signBit(), 0, 0, 0, 1, 1);
    assertGives(x.sign(), 1, NAN, 1, -1, -0.0);
    assertGives(
        of(1, 1, INF, INF, NAN).isClose(of(1 + 1e-6, 1.1, INF, 1, NAN), 1e-5, 1e-8), 1, 0, 1, 0, 0);
  }

  @Test
  void logicTakesWhatIsNotZeroAsTrue() {
    Tensor x = of(0, 0, 5, NAN);
    Tensor y = of(0, -1, 0, 2);
    assertGives(x.logicalAnd(y), 0, 0, 0, 1);
    assertGives(x.logicalOr(y), 0, 1, 1, 1);
    assertGives(x.logicalXor(y), 0, 1, 1, 0);
    assertGives(x.logicalNot(), 1, 1, 0, 0);
    assertThat(x.toBooleanArray()).containsExactly(false, false, true, true);
  }

  @Test
  void anyAndAllGoOverAxes() {
    Tensor x = Tensor.of(new double[][] {{0, 0}, {0, 3}, {-1, NAN}});
    assertGives(x.any(1), 0, 1, 1);
    assertGives(x.all(1), 0, 0, 1);
    assertGives(x.any(), 1);
    assertGives(x.all(), 0);
    assertThat(x.any(true, 0).shape()).containsExactly(1, 2);
    assertThat(x.all(true, -1).shape()).containsExactly(3, 1);
    Tensor none = Tensors.zeros(DType.F64, 0, 2);
    assertGives(none.any(0), 0, 0);
    assertGives(none.all(0), 1, 1);
    assertGives(Tensors.ones(DType.F16, 100_000).any(), 1); // past what 16 bits count to
    assertGives(Tensors.ones(DType.F16, 100_000).all(), 1);
  }

  @Test
  void roundingGoesWhereItsNameSays() {
    Tensor x = of(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -1.2, NAN, INF);
    assertGives(x.floor(), -3, -2, -1, 0, 1, 2, -2, NAN, INF);
    assertGives(x.ceil(), -2, -1, -0.0, 1, 2, 3, -1, NAN, INF);
    assertGives(x.round(), -2, -2, -0.0, 0, 2, 2, -1, NAN, INF);
    assertGives(x.trunc(), -2, -1, -0.0, 0, 1, 2, -1, NAN, INF);
  }

  /** As Python's % and //: what np.mod(x, y) and np.floor_divide(x, y) print. */
  @Test
  void remaindersHaveTheSignOfTheDivisor() {
    Tensor x = of(7, -7, 7, -7, 6, -6, 1, 5, -5, 0);
    Tensor y = of(3, 3, -3, -3, 3, 3, 0, INF, INF, -2);
    assertGives(x.mod(y), 1, 2, -2, -1, 0, 0, NAN, 5, INF, -0.0);
    assertGives(x.fmod(y), 1, -1, 1, -1, 0, -0.0, NAN, 5, -5, 0);
    assertGives(x.floorDivide(y), 2, -3, -3, 2, 2, -2, INF, 0, -1, -0.0);
    assertGives(of(7, -7).mod(3), 1, 2);
    assertGives(of(7, -7).fmod(3), 1, -1);
    assertGives(of(7, -7).floorDivide(3), 2, -3);
    assertGives(of(1).floorDivide(0.1), 9); // 0.1 is a little more than a tenth
  }

  @Test
  void noGradientFlows() {
    List<UnaryOperator<Tensor>> functions =
        List.of(
            Tensor::sign,
            Tensor::floor,
            Tensor::round,
            x -> x.greater(1),
            x -> x.mod(2),
            Tensor::isNaN,
            Tensor::any);
    List<BinaryOperator<Tensor>> ofTwo = List.of(Tensor::equal, Tensor::mod, Tensor::logicalAnd);
    Tensor x = of(1, 2);
    functions.forEach(f -> assertThat(f.apply(x).isConstant()).isTrue());
    ofTwo.forEach(f -> assertThat(f.apply(x, x).isConstant()).isTrue());
    x.multiply(x.floor()).backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(1, 2);
  }
}
