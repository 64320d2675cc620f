package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Compares gradients of the first orders: {@link Gradients#of} with backward, with those of another
 * way to write the same loss, and with differences.
 */
public final class GradientOrders {
  public static final int ORDERS = 3;

  private GradientOrders() {}

  /** A function without axes of some variables. */
  public interface Loss extends Function<List<Tensor>, Tensor> {}

  /** The squares of the gradients of {@code loss}, weighted: a loss of the next order. */
  private static Loss next(Loss loss) {
    return inputs -> {
      Tensor sum = Tensor.scalar(0).asConstant();
      int factor = 1;
      for (Tensor gradient : Gradients.of(loss.apply(inputs), inputs.toArray(Tensor[]::new))) {
        sum = sum.add(gradient.multiply(gradient).sum().multiply(1.0 / factor++));
      }
      return sum;
    };
  }

  private static List<double[]> byGradients(Loss loss, List<Tensor> inputs) {
    return Gradients.of(loss.apply(inputs), inputs.toArray(Tensor[]::new)).stream()
        .map(Tensor::toDoubleArray)
        .toList();
  }

  private static List<double[]> byBackward(Loss loss, List<Tensor> inputs) {
    loss.apply(inputs).backward();
    return inputs.stream()
        .map(x -> x.grad() == null ? new double[x.size()] : x.grad().toDoubleArray())
        .toList();
  }

  /** The derivative of a loss along a direction, by differences. */
  private static double difference(Loss loss, List<Tensor> inputs, List<double[]> direction) {
    double h = 1e-3;
    return (8 * (at(loss, inputs, direction, h) - at(loss, inputs, direction, -h))
            - (at(loss, inputs, direction, 2 * h) - at(loss, inputs, direction, -2 * h)))
        / (12 * h);
  }

  private static double at(Loss loss, List<Tensor> inputs, List<double[]> direction, double step) {
    List<Tensor> moved = new ArrayList<>();
    for (int k = 0; k < inputs.size(); k++) {
      double[] values = inputs.get(k).toDoubleArray();
      double[] by = direction.get(k);
      Arrays.setAll(values, i -> values[i] + step * by[i]);
      moved.add(Tensor.of(values, inputs.get(k).shape()));
    }
    return loss.apply(moved).item();
  }

  private static double dot(List<double[]> a, List<double[]> b) {
    return IntStream.range(0, a.size())
        .mapToDouble(
            k ->
                IntStream.range(0, a.get(k).length)
                    .mapToDouble(i -> a.get(k)[i] * b.get(k)[i])
                    .sum())
        .sum();
  }

  static double size(List<double[]> values) {
    return values.stream().flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
  }

  private static void assertClose(String what, List<double[]> found, List<double[]> expected) {
    double scale = Math.max(1, size(expected));
    for (int k = 0; k < expected.size(); k++) {
      for (int i = 0; i < expected.get(k).length; i++) {
        assertThat(found.get(k)[i])
            .as("%s, input %d, element %d", what, k, i)
            .isCloseTo(expected.get(k)[i], within(1e-9 * scale));
      }
    }
  }

  public static void check(
      SplittableRandom random, Loss loss, Loss definition, List<Tensor> inputs) {
    List<double[]> direction =
        inputs.stream().map(x -> random.doubles(x.size(), -1, 1).toArray()).toList();
    Loss found = loss;
    Loss expected = definition;
    for (int order = 1; order <= ORDERS; order++) {
      List<double[]> gradients = byGradients(found, inputs);
      assertClose("backward, order " + order, byBackward(found, inputs), gradients);
      assertClose("definition, order " + order, gradients, byGradients(expected, inputs));
      double along = dot(gradients, direction);
      assertThat(along)
          .as("difference, order %d", order)
          .isCloseTo(
              difference(found, inputs, direction),
              within(1e-6 * Math.max(1, size(gradients)) * inputs.size()));
      found = next(found);
      expected = next(expected);
    }
  }
}
