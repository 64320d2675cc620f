package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A block that is computed again computes what it did, whatever happened to its layers since. */
class CheckpointedLayersTest {
  /** A layer whose forward takes something from state that changes, and how it is run. */
  private record Case(String name, Supplier<Layer> layer, Mode mode) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    return Stream.of(
        new Case("dropout", () -> new Dropout(0.5, 7), Mode.TRAINING),
        new Case("batch norm", () -> new BatchNorm(2, 1e-5), Mode.TRAINING),
        new Case("evaluated", () -> new BatchNorm(2, 1e-5), Mode.EVALUATION),
        new Case(
            "renormalized",
            () -> BatchNorm.builder(2).renormalization(3, 5).build(),
            Mode.TRAINING),
        new Case(
            "used twice",
            () -> {
              Layer drop = new Dropout(0.5, 7);
              Layer norm = BatchNorm.builder(2).renormalization(3, 5).build();
              return Sequential.builder()
                  .add("0", drop)
                  .add("1", norm)
                  .add("2", drop)
                  .add("3", norm)
                  .build();
            },
            Mode.TRAINING));
  }

  private static Tensor input(int step) {
    return Tensors.normal(DType.F32, new SplittableRandom(step), step, 1 + step, 8, 2);
  }

  /** How a layer is applied to x. */
  @FunctionalInterface
  private interface Way {
    Tensor apply(Layer layer, Tensor x, Mode mode);
  }

  private static List<Tensor> parameters(Layer layer) {
    return List.copyOf(layer.parameters().values());
  }

  private static Tensor plainly(Layer layer, Tensor x, Mode mode) {
    return layer.forward(x, mode);
  }

  private static Tensor again(Layer layer, Tensor x, Mode mode) {
    return Checkpoint.of(in -> layer.forward(in, mode), x, parameters(layer));
  }

  private static Tensor againWithin(Layer layer, Tensor x, Mode mode) {
    return Checkpoint.of(in -> again(layer, in.multiply(1), mode), x, parameters(layer));
  }

  /** Gradients of x in three passes, of which all forwards come before the first backward. */
  private static List<double[]> gradients(Case each, Way way) {
    Layer layer = each.layer().get();
    List<Tensor> inputs = new ArrayList<>();
    List<Tensor> outputs = new ArrayList<>();
    for (int step = 0; step < 3; step++) {
      inputs.add(input(step));
      outputs.add(way.apply(layer, inputs.get(step), each.mode()));
      plainly(layer, input(10 + step), Mode.TRAINING); // other training in between
    }
    List<double[]> found = new ArrayList<>();
    for (int step = 0; step < 3; step++) {
      Tensor dy = Tensors.normal(DType.F32, new SplittableRandom(99), 0, 1, 8, 2).asConstant();
      outputs.get(step).backward(dy);
      found.add(inputs.get(step).grad().toDoubleArray());
    }
    found.add(StateFile.save(layer::visit).toString().chars().asDoubleStream().toArray());
    return found;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsAreThoseWithoutACheckpoint(Case each) {
    List<double[]> expected = gradients(each, CheckpointedLayersTest::plainly);
    List<double[]> once = gradients(each, CheckpointedLayersTest::again);
    List<double[]> nested = gradients(each, CheckpointedLayersTest::againWithin);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(once.get(i)).isEqualTo(expected.get(i));
      assertThat(nested.get(i)).isEqualTo(expected.get(i));
    }
  }

  /** Gradients of the sum of the gradient's squares, with other training in between. */
  private static double[] secondGradients(Case each, Way way) {
    Layer layer = each.layer().get();
    Tensor x = input(1);
    Tensor y = way.apply(layer, x, each.mode());
    plainly(layer, input(10), Mode.TRAINING);
    Tensor first = Gradients.of(y.multiply(y).multiply(y).sum(), x).get(0);
    plainly(layer, input(11), Mode.TRAINING);
    return Gradients.of(first.multiply(first).sum(), x).get(0).toDoubleArray();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsOfGradientsAreThoseWithoutACheckpoint(Case each) {
    double[] expected = secondGradients(each, CheckpointedLayersTest::plainly);
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    assertThat(largest).isGreaterThan(1e-3);
    Offset<Double> rounding = within(1e-6 * largest); // parts are added in another order
    assertThat(secondGradients(each, CheckpointedLayersTest::again))
        .containsExactly(expected, rounding);
    assertThat(secondGradients(each, CheckpointedLayersTest::againWithin))
        .containsExactly(expected, rounding);
  }

  @Test
  void aBlockThatAsksForMoreTheSecondTimeIsRefused() {
    AtomicInteger calls = new AtomicInteger();
    Tensor x = input(1);
    Tensor y =
        Checkpoint.of(
            in -> {
              Tensor result = in;
              int count = calls.incrementAndGet();
              for (int i = 0; i < count; i++) {
                int factor = i;
                result = result.multiply(Checkpoint.kept(() -> factor + 1.0));
              }
              return result;
            },
            x,
            List.of());
    assertThatThrownBy(y::backward)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("checkpoint: the block computes other than before");
    assertThat(Checkpoint.kept(() -> 5)).isEqualTo(5);
    assertThat(Checkpoint.isComputing()).isFalse();
  }
}
