package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Batch norm's recorded gradients are as accurate as the kernel's, and of the same dtypes. */
class GradientAccuracyTest {
  /** Calls of f32 far from 0: what the batch is normalized with, and that as weights. */
  private enum Far {
    PLAIN,
    TAIL,
    IN_PLACE,
    GROUPS,
    MASKED,
    WEIGHTED,
    GIVEN,
    GIVEN_MASKED;

    private static final Tensor MASK =
        Tensor.of(new double[] {1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1}, 16).asConstant();
    private static final Tensor SAMPLES =
        Tensor.of(IntStream.range(0, 16).mapToDouble(i -> i % 4 * 0.75).toArray(), 16).asConstant();

    Tensor of(Tensor x, Tensor gamma) {
      BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(1e-2);
      BatchNormBuilder call = BatchNormOp.on(x).gamma(gamma).options(options);
      Tensor mean = Tensor.of(new float[] {10_000, 10_000}).asConstant();
      Tensor var = Tensor.of(new float[] {1, 1}).asConstant();
      return switch (this) {
        case PLAIN -> call.apply();
        case TAIL -> call.options(options.withLeakyRelu(0.25)).apply();
        case IN_PLACE -> BatchNormOp.on(x.add(0)).gamma(gamma).options(options).inPlace().apply();
        case GROUPS -> call.groups(2).apply();
        case MASKED -> call.mask(MASK).apply();
        case WEIGHTED -> call.sampleWeights(SAMPLES).apply();
        case GIVEN -> call.given(mean, var).apply();
        case GIVEN_MASKED -> call.mask(MASK).given(mean, var).apply();
      };
    }

    /**
     * Returns gradients of the first order for x and gamma, and the second twice: by backward too.
     */
    List<Tensor> gradients(Tensor x, Tensor gamma) {
      Tensor seed = Tensors.linspace(DType.F64, -1, 2, 32).reshape(16, 2).sin().asConstant();
      Tensor other = Tensors.linspace(DType.F64, 3, -4, 32).reshape(16, 2).cos().asConstant();
      Tensor y = of(x, gamma);
      List<Tensor> first = Gradients.of(y, seed.astype(x.dtype()), List.of(x, gamma));
      Tensor sum = first.get(0).multiply(other.astype(x.dtype())).sum().add(first.get(1).sum());
      List<Tensor> all = new ArrayList<>(first);
      all.addAll(Gradients.of(sum, x, gamma));
      sum.backward();
      all.addAll(List.of(x.grad(), gamma.grad()));
      return all;
    }
  }

  @ParameterizedTest
  @EnumSource
  void gradientsFarFromZeroKeepTheKernelsAccuracy(Far call) {
    Tensor x =
        CentralDifferences.random(new SplittableRandom(3), 9_998, 10_002, 16, 2).astype(DType.F32);
    Tensor gamma = Tensor.of(new float[] {1.5f, 0.75f});
    List<Tensor> found = call.gradients(x.copy(), gamma);
    List<Tensor> exact = call.gradients(x.copy().astype(DType.F64), gamma.astype(DType.F64));
    for (int i = 0; i < found.size(); i++) {
      double[] expected = exact.get(i).toDoubleArray();
      double scale = GradientOrders.size(List.of(expected));
      for (int at = 0; at < expected.length; at++) {
        assertThat(found.get(i).dtype()).isEqualTo(DType.F32);
        assertThat(found.get(i).toDoubleArray()[at])
            .as("order %d, element %d", 1 + i / 2, at)
            .isCloseTo(expected[at], within((i < 2 ? 2.4e-7 : 1e-6) * scale));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void recordedGradientsOfSixteenBitsAreThoseOfBackward(Far call) {
    for (DType dtype : List.of(DType.BF16, DType.F16)) {
      Tensor x =
          CentralDifferences.random(new SplittableRandom(4), 0, 4, 16, 2).astype(dtype).copy();
      Tensor gamma = Tensor.of(new float[] {1.5f, 0.75f});
      Tensor seed = Tensors.linspace(dtype, -1, 2, 32).reshape(16, 2).sin().asConstant();
      List<Tensor> found = Gradients.of(call.of(x, gamma), seed, List.of(x, gamma));
      call.of(x, gamma).backward(seed);
      double step = dtype == DType.BF16 ? 0x1p-7 : 0x1p-10; // of the last digit
      assertClose(found.get(0), x.grad(), 2 * step);
      // In place the kernel knows xHat from y alone, here its mean and variance are known too.
      assertClose(found.get(1), gamma.grad(), call == Far.IN_PLACE ? step : 1e-6);
    }
  }

  private static void assertClose(Tensor found, Tensor expected, double tolerance) {
    assertThat(found.dtype()).isEqualTo(expected.dtype());
    double scale = GradientOrders.size(List.of(expected.toDoubleArray()));
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.storage().get(i))
          .isCloseTo(expected.storage().get(i), within(tolerance * scale));
    }
  }
}
