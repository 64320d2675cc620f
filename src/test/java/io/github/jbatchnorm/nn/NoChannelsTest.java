package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Layers of no channels: everything is empty, and nothing throws. */
class NoChannelsTest {
  private static BatchNorm.Builder builder(Layout layout) {
    return BatchNorm.builder(0).options(BatchNormOptions.DEFAULT.withLayout(layout));
  }

  @ParameterizedTest
  @EnumSource
  void aLayerWithoutChannelsGivesNothing(Layout layout) {
    List<BatchNorm> layers =
        List.of(
            builder(layout).build(),
            builder(layout).groups(2).build(),
            builder(layout).cumulative().build(),
            builder(layout).renormalization(3, 5).build(),
            builder(layout).inPlace().build(),
            builder(layout).withoutStatistics().build());
    int[] shape = layout == Layout.NCHW ? new int[] {4, 0, 3} : new int[] {4, 3, 0};
    for (BatchNorm layer : layers) {
      for (Mode mode : Mode.values()) {
        Tensor x = Tensor.zeros(DType.F32, shape);
        Tensor y = layer.forward(x, mode);
        y.backward();
        assertThat(y.shape()).containsExactly(shape);
        assertThat(x.grad().shape()).containsExactly(shape);
      }
      assertThat(layer.gamma().grad().shape()).containsExactly(0);
    }
  }
}
