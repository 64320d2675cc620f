package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Convolution;
import io.github.jbatchnorm.autograd.CentralDifferences;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gradients of convolutions, and of these, against differences. */
class ConvGradientTest {
  static IntStream rounds() {
    return IntStream.range(0, 20);
  }

  @ParameterizedTest
  @MethodSource("rounds")
  void gradientOfConvAndOfItsGradients(int round) {
    SplittableRandom random = new SplittableRandom(round);
    int stride = random.nextInt(1, 4);
    int padding = random.nextInt(0, 3);
    int[] xShape = {random.nextInt(1, 4), random.nextInt(1, 3), 5, random.nextInt(3, 6)};
    int[] filterShape = {random.nextInt(1, 3), xShape[1], random.nextInt(1, 4), 3};
    Tensor x = CentralDifferences.random(random, -2, 2, xShape);
    Tensor filters = CentralDifferences.random(random, -2, 2, filterShape);
    CentralDifferences.check(
        random,
        inputs -> Functions.conv(inputs.get(0), inputs.get(1), stride, padding),
        List.of(x, filters));
    int[] one = {1, 1};
    Convolution shape =
        Convolution.of(
            xShape, filterShape, new int[] {stride, stride}, new int[] {padding, padding}, one, 1);
    Tensor grad = CentralDifferences.random(random, -2, 2, shape.outShape());
    CentralDifferences.check(
        random,
        inputs -> ConvInputGradient.of(inputs.get(0), inputs.get(1), shape),
        List.of(grad, filters));
    CentralDifferences.check(
        random,
        inputs -> ConvFilterGradient.of(inputs.get(0), inputs.get(1), shape),
        List.of(x, grad));
  }
}
