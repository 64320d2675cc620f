package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients that are told while backward goes on, and gradients that users set. */
class GradientsWhileFoundTest {
  @Test
  void lastLayersAreToldBeforeFirstLayersAreGoneThrough() {
    List<String> events = new ArrayList<>();
    List<Tensor> weights = new ArrayList<>();
    Tensor x = Tensor.of(new double[] {1, 2}, 2);
    for (int layer = 0; layer < 4; layer++) {
      Tensor weight = Tensor.of(new double[] {3, 4}, 2);
      weights.add(weight);
      // As an input ahead of x, the weight comes last in the order of the graph.
      String name = "layer " + layer;
      x = weight.multiply(Passing.on(x, () -> events.add(name)));
    }
    Gradients.backward(
        x.sum(), 1, weights, (weight, grad) -> events.add("weight " + weights.indexOf(weight)));
    assertThat(events)
        .containsExactly(
            "weight 3",
            "layer 3",
            "weight 2",
            "layer 2",
            "weight 1",
            "layer 1",
            "weight 0",
            "layer 0");
  }

  private static double @Nullable [] values(@Nullable Tensor tensor) {
    return tensor == null
        ? null
        : IntStream.range(0, tensor.size()).mapToDouble(tensor.storage()::get).toArray();
  }

  /** A random graph, whose variables are used any number of times. */
  private static Tensor graph(List<Tensor> variables, SplittableRandom random) {
    List<Tensor> known = new ArrayList<>(variables);
    for (int i = 0; i < 20; i++) {
      Tensor a = known.get(random.nextInt(known.size()));
      Tensor b = known.get(random.nextInt(known.size()));
      known.add(random.nextBoolean() ? a.multiply(b).tanh() : a.add(b));
    }
    Tensor y = known.get(known.size() - 1);
    return random.nextBoolean() ? y : y.sum();
  }

  private static List<Tensor> variables(SplittableRandom random) {
    List<Tensor> variables = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      variables.add(Tensor.of(random.doubles(3).toArray(), 3));
    }
    return variables;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void eachIsToldOnceAndWhatBackwardFinds(long seed) {
    List<Tensor> expected = variables(new SplittableRandom(seed));
    List<Tensor> variables = variables(new SplittableRandom(seed));
    graph(expected, new SplittableRandom(-seed)).backward(2.5);
    double[][] told = new double[variables.size()][];
    Gradients.backward(
        graph(variables, new SplittableRandom(-seed)),
        2.5,
        variables,
        (variable, grad) -> {
          int i = variables.indexOf(variable);
          assertThat(told[i]).isNull();
          told[i] = values(grad);
        });
    for (int i = 0; i < told.length; i++) {
      Tensor grad = expected.get(i).grad();
      assertThat(told[i]).isEqualTo(values(grad));
      Tensor own = variables.get(i).grad();
      assertThat(values(own)).isEqualTo(told[i]);
    }
  }

  @Test
  void whatIsDifferentiatedIsToldToo() {
    Tensor x = Tensor.of(new double[] {1, 2}, 2);
    List<double[]> told = new ArrayList<>();
    Gradients.backward(x, 3, List.of(x), (variable, grad) -> told.add(values(grad)));
    assertThat(told).hasSize(1);
    assertThat(told.get(0)).containsExactly(3, 3);
  }

  @Test
  void whatTheListenerThrowsChangesNothing() {
    Tensor x = Tensor.of(new double[] {1, 2}, 2);
    Tensor y = x.square().sum();
    assertThatThrownBy(
            () ->
                Gradients.backward(
                    y,
                    1,
                    List.of(x),
                    (variable, grad) -> {
                      throw new ArithmeticException("no");
                    }))
        .isInstanceOf(ArithmeticException.class);
    assertThat(x.grad()).isNull();
    y.backward();
    assertThat(values(x.grad())).containsExactly(2, 4);
  }

  @Test
  void aGradientIsSetForWhatComesNext() {
    Tensor x = Tensor.of(new float[] {1, 2}, 2);
    Gradients.set(x, Tensor.of(new float[] {3, 4}, 2));
    assertThat(values(x.grad())).containsExactly(3, 4);
    assertThat(Gradients.norm(List.of(x))).isEqualTo(5);
    assertThatThrownBy(() -> Objects.requireNonNull(x.grad()).update(storage -> {}))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Gradients.set(x, Tensor.of(new double[] {3, 4}, 2)))
        .hasMessage("gradient: expected F32 of shape (2), got F64 of shape (2)");
    assertThatThrownBy(() -> Gradients.set(x, Tensor.of(new float[] {3, 4}, 2, 1)))
        .hasMessage("gradient: expected F32 of shape (2), got F32 of shape (2, 1)");
    assertThatThrownBy(() -> Gradients.set(x.asConstant(), x))
        .hasMessage("parameter: expected a variable, got a constant");
  }
}
