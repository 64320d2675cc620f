package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The layer as ONNX's BatchNormalization, opset 15, whose text says: Y = (X - mean) / sqrt(var +
 * epsilon) * scale + B with the input's statistics (training_mode = 0) or the batch's; running =
 * input * momentum + current * (1 - momentum); the current variance is the population's.
 */
class OnnxConformanceTest {
  private static final int N = 2;
  private static final int C = 3;
  private static final int S = 20;

  /** The operator in plain doubles, from its text. */
  private static final class Onnx {
    final double[] y = new double[N * C * S];
    final double[] runningMean = new double[C];
    final double[] runningVar = new double[C];

    Onnx(
        float[] x,
        float[] scale,
        float[] b,
        float[] mean,
        float[] var,
        double epsilon,
        double momentum,
        boolean training) {
      for (int c = 0; c < C; c++) {
        double currentMean = training ? mean(x, c) : mean[c];
        double currentVar = training ? var(x, c, currentMean) : var[c];
        runningMean[c] = mean[c] * momentum + currentMean * (1 - momentum);
        runningVar[c] = var[c] * momentum + currentVar * (1 - momentum);
        for (int n = 0; n < N; n++) {
          for (int s = 0; s < S; s++) {
            int at = (n * C + c) * S + s;
            y[at] = (x[at] - currentMean) / Math.sqrt(currentVar + epsilon) * scale[c] + b[c];
          }
        }
      }
    }

    private static double mean(float[] x, int c) {
      double sum = 0;
      for (int n = 0; n < N; n++) {
        for (int s = 0; s < S; s++) {
          sum += x[(n * C + c) * S + s];
        }
      }
      return sum / (N * S);
    }

    private static double var(float[] x, int c, double mean) {
      double sum = 0;
      for (int n = 0; n < N; n++) {
        for (int s = 0; s < S; s++) {
          double d = x[(n * C + c) * S + s] - mean;
          sum += d * d;
        }
      }
      return sum / (N * S);
    }
  }

  private static float[] random(SplittableRandom random, int size, double low, double high) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextDouble(low, high);
    }
    return values;
  }

  @ParameterizedTest
  @CsvSource({
    "1e-5, 0.9, true",
    "1e-2, 0.9, true",
    "1e-5, 0.3, true",
    "1e-5, 0.9, false",
    "1e-2, 0.9, false"
  })
  void conforms(double epsilon, double momentum, boolean training) {
    SplittableRandom random = new SplittableRandom(15);
    float[] x = random(random, N * C * S, -3, 3);
    float[] scale = random(random, C, -2, 2);
    float[] b = random(random, C, -2, 2);
    float[] mean = random(random, C, -1, 1);
    float[] var = random(random, C, 0.5, 2);
    BatchNorm layer =
        BatchNorm.builder(C)
            .options(BatchNormOptions.DEFAULT.withEps(epsilon))
            .newValueWeight(1 - momentum)
            .biasedRunningVariance()
            .build();
    layer.gamma().update(storage -> storage.floats().put(scale));
    layer.beta().update(storage -> storage.floats().put(b));
    layer.runningMean().update(storage -> storage.floats().put(mean));
    layer.runningVar().update(storage -> storage.floats().put(var));
    Tensor y = layer.forward(Tensor.of(x, N, C, 4, 5), training ? Mode.TRAINING : Mode.EVALUATION);
    Onnx onnx = new Onnx(x, scale, b, mean, var, epsilon, momentum, training);
    assertClose(y, onnx.y);
    if (training) {
      assertClose(layer.runningMean(), onnx.runningMean);
      assertClose(layer.runningVar(), onnx.runningVar);
    }
  }

  private static void assertClose(Tensor found, double... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(found.storage().get(i))
          .isCloseTo(expected[i], within(4e-7 * Math.max(1, Math.abs(expected[i]))));
    }
  }
}
