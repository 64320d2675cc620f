package io.github.jbatchnorm.batchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import org.junit.jupiter.api.Test;

/** In place, what is recovered of an x that the kernel scaled is x, not x times the scale. */
class ScaledInPlaceTest {
  @Test
  void theRecordedGradientIsOfX() {
    // The scale of the statistics is 2^-600: taken for x's own, gradients would be 4e180 times
    // these.
    Tensor x = Tensor.of(new double[] {-1e160, 2e160, 4e160, 1e160}, 4, 1);
    Tensor weights = Tensor.of(new double[] {1, -2, 0.5, 3}, 4, 1).asConstant();
    Tensor y =
        BatchNormOp.on(x.multiply(1))
            .options(BatchNormOptions.DEFAULT.withEps(0))
            .inPlace()
            .apply();
    Tensor loss = y.multiply(weights).sum();
    double[] recorded = Gradients.of(loss, x).get(0).toDoubleArray();
    loss.backward();
    assertThat(x.grad()).isNotNull();
    assertThat(x.grad().toDoubleArray()).isNotEqualTo(new double[4]);
    assertThat(recorded).containsExactly(x.grad().toDoubleArray(), within(1e-155));
  }
}
