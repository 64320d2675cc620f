package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.autograd.GradientOrders.Loss;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gradients of the first three orders, of batch norm with every option and of every other
 * operation, in graphs whose inputs are computed from each other.
 */
class GradientOrdersTest {
  static IntStream seeds() {
    return IntStream.range(0, 100);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void batchNormIsItsDefinitionInEveryOrder(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    BatchNormCall call = new BatchNormCall(random);
    GradientOrders.check(random, call::ofKernel, call::ofDefinition, call.inputs(random));
  }

  /** Cases of {@link ComplexStepTest} and {@link OperationGradientTest}. */
  static Stream<Arguments> operations() {
    Stream<Arguments> cases =
        Stream.concat(ComplexStepTest.cases(), LayerSteps.others())
            .filter(c -> !c.name().equals("astype")) // f32 has no differences of f64
            .map(
                c ->
                    Arguments.of(
                        c.name(),
                        c.exact() ? -1 : Math.max(c.low(), -4),
                        c.exact() ? 1 : c.high(),
                        c.operation(),
                        c.shapes()));
    Stream<Arguments> more =
        OperationGradientTest.unaryOperations()
            .map(
                unary ->
                    Arguments.of(
                        unary.name(),
                        unary.low(),
                        unary.high(),
                        (Function<List<Tensor>, Tensor>) in -> unary.operation().apply(in.get(0)),
                        List.of(new int[] {3, 2})));
    return Stream.concat(cases, more);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("operations")
  void operationHasGradientsOfEveryOrder(
      String name,
      double low,
      double high,
      Function<List<Tensor>, Tensor> operation,
      List<int[]> shapes) {
    SplittableRandom random = new SplittableRandom(name.hashCode());
    List<Tensor> inputs =
        shapes.stream().map(shape -> CentralDifferences.random(random, low, high, shape)).toList();
    Loss loss =
        in -> {
          Tensor common = in.get(0).tanh().mean();
          List<Tensor> dependent = new ArrayList<>(in);
          dependent.replaceAll(x -> x == in.get(0) ? x : x.multiply(common.multiply(0.1).add(1)));
          Tensor y = operation.apply(dependent);
          return y.multiply(0.7).sin().multiply(y.add(common)).mean();
        };
    GradientOrders.check(random, loss, loss, inputs);
  }

  static IntStream weightedSeeds() {
    return IntStream.range(0, 400).filter(seed -> weighted(seed) != null).limit(30);
  }

  private static Tensor weighted(int seed) {
    BatchNormCall call = new BatchNormCall(new SplittableRandom(seed));
    boolean direct = !call.checkpoint && !call.renormalized;
    return !direct || (call.mask == null && call.samples == null) ? null : call.weights();
  }

  @ParameterizedTest
  @MethodSource("weightedSeeds")
  void nanThatCountsForNothingStaysWhereItIs(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    BatchNormCall call = new BatchNormCall(random);
    List<Tensor> clean = List.of(values(random, call, 24), values(random, call, 24));
    Tensor seeds = values(random, call, 24);
    Tensor counts = call.weights().greater(0).broadcastTo(call.shape());
    List<Tensor> dirty = clean.stream().map(x -> withNaN(x, counts)).toList();
    List<List<double[]>> expected = call.gradientsOfEveryOrder(clean, seeds);
    List<List<double[]>> found = call.gradientsOfEveryOrder(dirty, withNaN(seeds, counts));
    for (int i = 0; i < expected.size(); i++) {
      for (int k = 0; k < expected.get(i).size(); k++) {
        assertThat(found.get(i).get(k))
            .as("%s, input %d", i < GradientOrders.ORDERS ? "order " + (i + 1) : "backward", k)
            .isEqualTo(expected.get(i).get(k));
      }
    }
  }

  private static Tensor values(SplittableRandom random, BatchNormCall call, int size) {
    return CentralDifferences.random(random, -2, 2, size).reshape(call.shape()).copy();
  }

  private static Tensor withNaN(Tensor x, Tensor counts) {
    Tensor nan = Tensor.scalar(Double.NaN);
    return Tensors.where(counts, x, nan).copy();
  }
}
