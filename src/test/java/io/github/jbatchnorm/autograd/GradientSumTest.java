package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Gradients of several backward passes, summed. */
class GradientSumTest {
  private static void backward(Tensor p, double... grad) {
    p.multiply(Tensor.of(grad).asConstant().astype(p.dtype())).backward();
  }

  @Test
  void sumsAreThoseOfAllPassesRoundedOnce() {
    Tensor p = Tensors.zeros(DType.F32, 2);
    Tensor unused = Tensor.scalar(1);
    GradientSum sum = new GradientSum(List.of(p, unused, p));
    backward(p, 1, -0.0);
    sum.add();
    for (int i = 0; i < 3; i++) {
      backward(p, Math.scalb(1.0, -25), -0.0); // lost one by one in f32
      sum.add();
    }
    sum.give();
    assertThat(p.grad().toDoubleArray()).containsExactly(1 + Math.scalb(1.0, -23), -0.0);
    assertThat(p.grad().dtype()).isEqualTo(DType.F32);
    assertThat(unused.grad()).isNull();
    assertThatThrownBy(() -> p.grad().update(storage -> storage.set(0, 1)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void eachSumBeginsAnewAndLeavesTheOnesGivenAlone() {
    Tensor p = Tensor.of(new double[] {0});
    GradientSum sum = new GradientSum(List.of(p));
    backward(p, 3);
    sum.add();
    sum.give();
    Tensor given = p.grad();
    backward(p, 4);
    sum.add();
    sum.forget();
    backward(p, 5);
    sum.add();
    sum.give();
    assertThat(p.grad().item()).isEqualTo(5);
    assertThat(given.item()).isEqualTo(3);
    sum.give();
    assertThat(p.grad()).isNull();
  }

  @Test
  void partsInScopesOfTheirOwnGiveTheWholesGradient() {
    SplittableRandom random = new SplittableRandom(2);
    Tensor x = Tensors.normal(DType.F64, random, 0, 1, 8, 3).asConstant();
    Tensor w = Tensors.normal(DType.F64, random, 0, 1, 3, 2);
    x.matmul(w).square().mean().backward();
    double[] whole = w.grad().toDoubleArray();
    GradientSum sum = new GradientSum(List.of(w));
    for (int part = 0; part < 4; part++) {
      Tensor some = x.slice(Index.range(2 * part, 2 * part + 2));
      MemoryScope.run(
          () -> {
            some.matmul(w).square().mean().backward(0.25);
            sum.add();
          });
    }
    sum.give();
    assertThat(w.grad().toDoubleArray()).usingComparatorWithPrecision(1e-14).containsExactly(whole);
  }

  @Test
  void nullsAreRefusedByName() {
    assertThatThrownBy(() -> new GradientSum(null)).hasMessage("parameters");
    assertThatThrownBy(() -> new GradientSum(Arrays.asList((Tensor) null)))
        .hasMessage("parameters: an element");
  }
}
