package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The norm of gradients, and their clipping, against plain loops. */
class GradientClippingTest {
  private static Tensor withGradient(double... grad) {
    Tensor p = Tensor.of(new double[grad.length]);
    p.multiply(Tensor.of(grad).asConstant()).backward();
    return p;
  }

  private static Tensor random(DType dtype, int... shape) {
    SplittableRandom random = new SplittableRandom(5);
    Tensor p = Tensors.zeros(dtype, shape);
    p.multiply(Tensors.normal(dtype, random, 0, 3, shape).asConstant()).backward();
    return p;
  }

  private static double[] grad(Tensor p) {
    return p.grad().toDoubleArray();
  }

  private static double squares(double[] values) {
    return Arrays.stream(values).map(v -> v * v).sum();
  }

  @Test
  void normIsThatOfOneVector() {
    List<Tensor> parameters = List.of(random(DType.F32, 40, 50), random(DType.F64, 7));
    double naive = Math.sqrt(squares(grad(parameters.get(0))) + squares(grad(parameters.get(1))));
    assertThat(Gradients.norm(parameters)).isCloseTo(naive, within(1e-13 * naive));
    assertThat(Gradients.norm(List.of(withGradient(3, 0), withGradient(-4)))).isEqualTo(5);
  }

  @Test
  void normNeitherOverflowsNorVanishes() {
    assertThat(Gradients.norm(List.of(withGradient(Math.scalb(3.0, 700), Math.scalb(-4.0, 700)))))
        .isEqualTo(Math.scalb(5.0, 700));
    assertThat(Gradients.norm(List.of(withGradient(Math.scalb(3.0, -700), Math.scalb(-4.0, -700)))))
        .isEqualTo(Math.scalb(5.0, -700));
    assertThat(Gradients.norm(List.of(withGradient(0, Double.MIN_VALUE))))
        .isEqualTo(Double.MIN_VALUE);
    assertThat(Gradients.norm(List.of(withGradient(Double.MAX_VALUE, Double.MAX_VALUE))))
        .isInfinite();
  }

  @Test
  void normOfNoGradientsIsZeroAndATensorCountsOnce() {
    Tensor p = withGradient(2);
    assertThat(Gradients.norm(List.of(p, p, Tensor.scalar(1)))).isEqualTo(2);
    assertThat(Gradients.norm(List.of(Tensor.scalar(1), withGradient()))).isZero();
    assertThat(Gradients.clipNorm(List.of(withGradient(0, 0)), 1)).isZero();
  }

  @Test
  void clippedNormIsTheOneWanted() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Tensor p = random(dtype, 30, 20);
      double[] before = grad(p);
      double norm = Gradients.clipNorm(List.of(p), 2);
      assertThat(norm).isCloseTo(Math.sqrt(squares(before)), within(1e-13 * norm));
      double factor = 2 / norm;
      double[] expected =
          Arrays.stream(before)
              .map(g -> dtype == DType.F32 ? (float) (g * factor) : g * factor)
              .toArray();
      assertThat(grad(p)).isEqualTo(expected);
      assertThat(p.grad().shape()).containsExactly(30, 20);
      assertThat(p.grad().dtype()).isEqualTo(dtype);
      assertThat(Gradients.norm(List.of(p))).isCloseTo(2, within(1e-6));
    }
  }

  @Test
  void gradientsOf16BitsAreClippedToo() {
    Tensor p = Tensors.zeros(DType.BF16, 2);
    Tensor grads = Tensor.of(new float[] {3, 4}).asConstant().astype(DType.BF16);
    p.multiply(grads).backward();
    assertThat(Gradients.clipNorm(List.of(p), 2.5)).isEqualTo(5);
    assertThat(grad(p)).containsExactly(1.5, 2);
    Gradients.clipValue(List.of(p), 1.75);
    assertThat(grad(p)).containsExactly(1.5, 1.75);
    assertThat(p.grad().dtype()).isEqualTo(DType.BF16);
  }

  @Test
  void gradientsOfASmallNormStay() {
    Tensor p = withGradient(3, 4);
    Tensor before = p.grad();
    assertThat(Gradients.clipNorm(List.of(p), 5)).isEqualTo(5);
    assertThat(p.grad()).isSameAs(before);
  }

  @Test
  void gradientsOfANormThatIsNotFiniteStay() {
    double inf = Double.POSITIVE_INFINITY;
    Tensor good = withGradient(8);
    Tensor infinite = withGradient(1, -inf);
    Tensor nan = withGradient(inf, Double.NaN);
    assertThat(Gradients.clipNorm(List.of(good, infinite), 1)).isEqualTo(inf);
    assertThat(Gradients.clipNorm(List.of(infinite, nan, good), 1)).isNaN();
    assertThat(Gradients.clipNorm(List.of(nan, infinite), 1)).isNaN();
    assertThat(grad(good)).containsExactly(8);
    assertThat(grad(infinite)).containsExactly(1, -inf);
    assertThat(grad(nan)).containsExactly(inf, Double.NaN);
  }

  @Test
  void valuesAreClippedOneByOne() {
    Tensor p = withGradient(-3, -0.5, 0.5, 3, Double.NaN, Double.NEGATIVE_INFINITY);
    Gradients.clipValue(List.of(p, Tensor.scalar(1)), 0.75);
    assertThat(grad(p)).containsExactly(-0.75, -0.5, 0.5, 0.75, Double.NaN, -0.75);
  }

  @Test
  void clippedGradientsCannotBeChangedAndSurviveNoScope() {
    Tensor p = withGradient(3, 4);
    Gradients.clipNorm(List.of(p), 1);
    assertThatThrownBy(() -> p.grad().update(storage -> storage.set(0, 1)))
        .isInstanceOf(IllegalStateException.class);
    MemoryScope.run(() -> Gradients.clipNorm(List.of(p), 0.5));
    assertThatThrownBy(() -> grad(p)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void limitsOutOfRangeAreRefused() {
    List<Tensor> parameters = List.of(withGradient(1));
    for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> Gradients.clipNorm(parameters, bad))
          .hasMessage("maxNorm: expected a finite value of more than 0, got " + bad);
      assertThatThrownBy(() -> Gradients.clipValue(parameters, bad))
          .hasMessage("limit: expected a finite value of more than 0, got " + bad);
    }
    assertThatThrownBy(() -> Gradients.norm(null)).hasMessage("parameters");
    assertThatThrownBy(() -> Gradients.norm(Arrays.asList((Tensor) null)))
        .hasMessage("parameters: an element");
  }
}
