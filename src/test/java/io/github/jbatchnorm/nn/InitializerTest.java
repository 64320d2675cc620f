package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What initial weights have: their variance, their bounds, Dirac's ones. */
class InitializerTest {
  private static final int IN = 30;
  private static final int OUT = 50;

  private static Tensor of(Initializer initializer) {
    return initializer.create(new SplittableRandom(1), IN, OUT, 200, 200);
  }

  @Test
  void aGainScalesTheStandardDeviation() {
    Map<Initializer, Double> variances = new LinkedHashMap<>();
    variances.put(Initializer.heUniform(3), 9.0 / IN);
    variances.put(Initializer.heNormal(3), 9.0 / IN);
    variances.put(Initializer.glorotUniform(3), 18.0 / (IN + OUT));
    variances.put(Initializer.glorotNormal(3), 18.0 / (IN + OUT));
    variances.put(Initializer.heUniform(), 2.0 / IN);
    variances.put(Initializer.glorotNormal(), 2.0 / (IN + OUT));
    variances.forEach(
        (initializer, variance) -> {
          Tensor x = of(initializer);
          assertThat(x.dtype()).isEqualTo(DType.F32);
          assertThat(x.var().item()).isBetween(0.97 * variance, 1.03 * variance);
        });
    assertThat(of(Initializer.heUniform(2)).abs().max().item())
        .isBetween(0.99 * 2 * Math.sqrt(3.0 / IN), 2 * Math.sqrt(3.0 / IN) * (1 + 1e-7));
    assertThat(of(Initializer.glorotUniform(1)).toFloatArray())
        .isEqualTo(of(Initializer.glorotUniform()).toFloatArray());
  }

  @Test
  void diracsFiltersLeaveChannelsAsTheyAre() {
    Tensor filters = Initializer.dirac().create(new SplittableRandom(1), 1, 1, 3, 2, 3, 3);
    assertThat(filters.isConstant()).isFalse();
    Tensor x = Tensors.uniform(DType.F32, new SplittableRandom(2), -1, 1, 2, 2, 4, 5);
    Tensor y = Functions.conv(x, filters, null, ConvOptions.DEFAULT.withPadding(1));
    assertThat(y.take(1, 0, 1).toFloatArray()).isEqualTo(x.toFloatArray());
    assertThat(y.take(1, 2).toFloatArray()).containsOnly(0);
    assertThat(Initializer.dirac().create(new SplittableRandom(1), 1, 1, 2, 3).toDoubleArray())
        .containsExactly(1, 0, 0, 0, 1, 0);
    assertThatThrownBy(() -> Initializer.dirac().create(new SplittableRandom(1), 1, 1, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape: expected (O, C, ...), got [3]");
  }
}
