package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A layer that gets an x it cannot take says so of x, not of its weights. */
class LayerMessagesTest {
  private static Tensor zeros(String shape) {
    int[] axes = shape.chars().map(Character::getNumericValue).toArray();
    return Tensors.zeros(DType.F32, axes);
  }

  @ParameterizedTest
  @CsvSource({"24, '(2, 4)'", "5, (5)", "356, '(3, 5, 6)'"})
  void denseNamesX(String shape, String text) {
    Dense layer = new Dense(5, 3, new SplittableRandom(1));
    assertThatThrownBy(() -> layer.forward(zeros(shape), Mode.TRAINING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x: expected shape (N, 5), as the weights have it, got " + text);
  }

  @ParameterizedTest
  @CsvSource({"2388, '[2, 3, 8, 8]'", "248, '[2, 4, 8]'", "2, [2]"})
  void convNamesX(String shape, String text) {
    Conv layer =
        Conv.builder(4, 2, 3, 3)
            .options(ConvOptions.DEFAULT.withGroups(2))
            .build(new SplittableRandom(1));
    assertThatThrownBy(() -> layer.forward(zeros(shape), Mode.TRAINING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x: expected shape (N, 4, ...) of 4 axes, got " + text);
  }
}
