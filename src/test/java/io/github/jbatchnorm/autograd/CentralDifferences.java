package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * Compares backward with differences: the derivative of sum(seed * f) by each element of each
 * input, from f at +-h and +-2h, whose error is of the fourth order in h.
 */
public final class CentralDifferences {
  private static final double STEP = 1e-3;
  private static final double TOLERANCE = 2e-7;

  private CentralDifferences() {}

  public static void check(
      RandomGenerator random, Function<List<Tensor>, Tensor> function, List<Tensor> inputs) {
    Tensor y = function.apply(inputs);
    Tensor seed = random(random, -1, 1, y.shape());
    y.backward(seed);
    List<Tensor> grads = new ArrayList<>(); // before the function, applied again, forgets them
    inputs.forEach(input -> grads.add(input.grad()));
    for (int i = 0; i < inputs.size(); i++) {
      Tensor input = inputs.get(i);
      Tensor grad = grads.get(i);
      assertThat(grad).as("gradient of input %d", i).isNotNull();
      assertThat(grad.shape()).isEqualTo(input.shape());
      double[] found = grad.toDoubleArray();
      for (int at = 0; at < input.size(); at++) {
        double expected =
            NoAutodiffValues.derivative(function, inputs, seed.toDoubleArray(), input, at, STEP);
        assertThat(found[at])
            .as("input %d of shape %s, element %d", i, Arrays.toString(input.shape()), at)
            .isCloseTo(expected, within(TOLERANCE * Math.max(1, Math.abs(expected))));
      }
    }
  }

  public static Tensor random(RandomGenerator random, double low, double high, int... shape) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    double[] values = random.doubles(size, low, high).toArray();
    return shape.length == 0 ? Tensor.scalar(values[0]) : Tensor.of(values, shape);
  }

  /** Values computed without recording. */
  private static final class NoAutodiffValues {
    static double derivative(
        Function<List<Tensor>, Tensor> function,
        List<Tensor> inputs,
        double[] seed,
        Tensor input,
        int at,
        double h) {
      double near =
          value(function, inputs, seed, input, at, h)
              - value(function, inputs, seed, input, at, -h);
      double far =
          value(function, inputs, seed, input, at, 2 * h)
              - value(function, inputs, seed, input, at, -2 * h);
      return (8 * near - far) / (12 * h);
    }

    private static double value(
        Function<List<Tensor>, Tensor> function,
        List<Tensor> inputs,
        double[] seed,
        Tensor input,
        int at,
        double shift) {
      double before = input.storage().get(at);
      input.storage().set(at, before + shift);
      double[] y = NoAutodiff.call(() -> function.apply(inputs)).toDoubleArray();
      input.storage().set(at, before);
      double sum = 0;
      for (int i = 0; i < y.length; i++) {
        sum += seed[i] * y[i];
      }
      return sum;
    }
  }
}
