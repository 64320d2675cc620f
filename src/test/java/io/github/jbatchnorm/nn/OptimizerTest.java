package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Optimizers against their formulas, worked out by hand. */
class OptimizerTest {
  private static final double TINY = 1e-12;

  @Test
  void sgdKeepsMomentum() {
    Tensor p = Tensor.of(new double[] {1});
    Sgd sgd = new Sgd(Map.of("p", p), 0.1, 0.5);
    p.multiply(2).backward(); // gradient 2
    sgd.step();
    assertThat(p.item()).isCloseTo(0.8, within(TINY));
    p.multiply(2).backward();
    sgd.step(); // velocity 0.5 * 2 + 2 = 3
    assertThat(p.item()).isCloseTo(0.5, within(TINY));
  }

  @Test
  void adamStepsByTheLearningRateAtFirst() {
    Tensor p = Tensor.of(new double[] {1, 1});
    Adam adam = new Adam(Map.of("p", p), 0.1);
    p.multiply(Tensor.of(new double[] {3, -7}).asConstant()).backward();
    adam.step();
    assertThat(p.get(0)).isCloseTo(0.9, within(1e-8));
    assertThat(p.get(1)).isCloseTo(1.1, within(1e-8));
  }

  @Test
  void parameterWithoutGradientStays() {
    Tensor p = Tensor.of(new double[] {1});
    new Sgd(Map.of("p", p), 0.1, 0.5).step();
    new Adam(Map.of("p", p), 0.1).step();
    assertThat(p.item()).isEqualTo(1);
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new Sgd(Map.of(), 0, 0.9))
        .hasMessage("learningRate: expected a finite value of more than 0, got 0.0");
    assertThatThrownBy(() -> new Sgd(Map.of(), 0.1, 1))
        .hasMessage("momentum: expected 0 or more and less than 1, got 1.0");
    assertThatThrownBy(() -> new Adam(Map.of(), Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Adam(Map.of(), 1).learningRate(-1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
