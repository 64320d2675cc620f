package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The layer's gradients, recorded and not, with every option. */
class BatchNormGradientsTest {
  private static Tensor random(long seed, int... shape) {
    return Tensors.normal(DType.F32, new SplittableRandom(seed), 1, 2, shape);
  }

  /** A layer's call, its options drawn at random, of a batch that the residual depends on. */
  private static final class Drawn {
    final boolean last;
    final boolean renormalized;
    final boolean inPlace;
    final boolean masked;
    final boolean residual;
    final boolean checkpoint;
    final Mode mode;
    final BatchNorm layer;

    Drawn(long seed) {
      SplittableRandom random = new SplittableRandom(seed);
      last = random.nextBoolean();
      int kind = random.nextInt(4);
      renormalized = kind == 0;
      inPlace = kind == 1;
      masked = kind != 1 && kind != 2 && random.nextBoolean();
      residual = kind != 1 && random.nextBoolean();
      checkpoint = random.nextInt(3) == 0;
      mode = random.nextInt(4) == 0 ? Mode.EVALUATION : Mode.TRAINING;
      BatchNorm.Builder builder =
          BatchNorm.builder(2)
              .groups(kind == 2 ? 2 : 1)
              .options(
                  BatchNormOptions.DEFAULT
                      .withEps(1e-2)
                      .withLeakyRelu(random.nextBoolean() ? 1 : 0.25)
                      .withLayout(last ? Layout.NHWC : Layout.NCHW));
      builder = renormalized ? builder.renormalization(3, 5) : builder;
      builder = inPlace ? builder.inPlace() : builder;
      builder = random.nextInt(4) == 0 ? builder.withoutScale() : builder;
      layer = (random.nextInt(4) == 0 ? builder.withoutShift() : builder).build();
      layer.forward(random(seed + 1, shape()), Mode.TRAINING);
    }

    int[] shape() {
      return last ? new int[] {4, 3, 2} : new int[] {4, 2, 3};
    }

    List<Tensor> variables() {
      List<Tensor> all = new ArrayList<>(List.of(random(3, shape())));
      all.addAll(layer.parameters().values());
      return all;
    }

    Tensor loss(Tensor leaf) {
      Tensor x = leaf.multiply(1.5);
      Tensor added = residual ? leaf.add(x.square()) : null;
      Tensor mask = masked ? random(5, 4, 3).greater(0) : null;
      List<Tensor> parameters = new ArrayList<>(layer.parameters().values());
      if (added != null) {
        parameters.add(added);
      }
      Tensor y =
          checkpoint
              ? Checkpoint.of(
                  in -> layer.forward(inPlace ? in.add(0) : in, added, mask, mode), x, parameters)
              : layer.forward(x, added, mask, mode);
      return y.multiply(y).multiply(leaf.sin()).sum();
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void recordedGradientsOfALayerAreThoseOfBackward(int seed) {
    Drawn one = new Drawn(seed);
    Drawn other = new Drawn(seed);
    List<Tensor> variables = one.variables();
    List<Tensor> expected = other.variables();
    Tensor loss = one.loss(variables.get(0));
    other.loss(expected.get(0)).backward();
    List<Tensor> found = Gradients.of(loss, variables.toArray(Tensor[]::new));
    for (int k = 0; k < found.size(); k++) {
      double[] gradient = expected.get(k).grad().toDoubleArray();
      double scale = Arrays.stream(gradient).map(Math::abs).max().orElse(0);
      assertThat(found.get(k).toDoubleArray())
          .as("gradient %d", k)
          .usingComparatorWithPrecision(2e-6 * Math.max(1, scale))
          .containsExactly(gradient);
    }
  }

  static IntStream seeds() {
    return IntStream.range(0, 60);
  }
}
