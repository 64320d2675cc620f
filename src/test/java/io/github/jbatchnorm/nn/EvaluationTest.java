package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.models.ResNet;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Evaluation changes no state: many threads may evaluate, and training may go on before backward.
 */
class EvaluationTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 6;

  private static Tensor input(long seed, DType dtype, int... shape) {
    return Tensors.normal(dtype, new SplittableRandom(seed), 1, 2, shape);
  }

  private static Sequential everyLayer() {
    SplittableRandom random = new SplittableRandom(1);
    return Sequential.builder()
        .add(
            "conv",
            Conv.builder(3, 4, 3, 3).options(ConvOptions.DEFAULT.withPadding(1)).build(random))
        .add("bn", BatchNorm.builder(4).options(BatchNormOptions.DEFAULT.withRelu()).build())
        .add("renormalized", BatchNorm.builder(4).renormalization(3, 5).build())
        .add("wide", BatchNorm.builder(4).dtype(DType.F64).build())
        .add("own", BatchNorm.builder(4).withoutStatistics().build())
        .add("dropout", new Dropout(0.5, 1))
        .add("flatten", x -> x.astype(DType.F32).reshape(x.dim(0), -1))
        .add("dense", new Dense(4 * 64, 5, random))
        .build();
  }

  private static double[] evaluate(Layer model, Tensor x, boolean recorded) {
    Tensor y =
        recorded
            ? model.forward(x, Mode.EVALUATION)
            : NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION));
    return y.toDoubleArray();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void threadsGetTheBitsThatOneGets(boolean recorded) throws Exception {
    for (Layer model : List.of(everyLayer(), ResNet.create(1, 5, 1))) {
      model.forward(input(0, DType.F32, 8, 3, 8, 8), Mode.TRAINING);
      List<Tensor> inputs = new ArrayList<>();
      List<double[]> expected = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        inputs.add(input(thread, DType.F32, 1 + thread % 3, 3, 8, 8));
        expected.add(evaluate(model, inputs.get(thread), recorded));
      }
      var before = StateFile.save(model::visit);
      CyclicBarrier together = new CyclicBarrier(THREADS);
      ExecutorService pool = Executors.newFixedThreadPool(THREADS);
      try {
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (int thread = 0; thread < THREADS; thread++) {
          int own = thread;
          tasks.add(
              () -> {
                for (int round = 0; round < ROUNDS; round++) {
                  together.await();
                  assertThat(evaluate(model, inputs.get(own), recorded))
                      .isEqualTo(expected.get(own));
                }
                return true;
              });
        }
        for (Future<Boolean> done : pool.invokeAll(tasks)) {
          assertThat(done.get()).isTrue();
        }
      } finally {
        pool.shutdownNow();
      }
      assertThat(StateFile.save(model::visit)).isEqualTo(before);
    }
  }

  private static BatchNorm layer(DType dtype) {
    DType parameters = dtype.parameters();
    BatchNorm layer = BatchNorm.builder(3).dtype(parameters).newValueWeight(0.5).build();
    layer.forward(input(1, dtype, 6, 3), Mode.TRAINING);
    return layer;
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void trainingAfterAnEvaluationLeavesItsGradients(DType dtype) {
    for (boolean f64 : new boolean[] {false, true}) {
      BatchNorm layer = f64 ? layer(DType.F64) : layer(dtype);
      BatchNorm same = f64 ? layer(DType.F64) : layer(dtype);
      Tensor x = input(2, dtype, 6, 3);
      Tensor dy = input(3, layer.forward(x, Mode.EVALUATION).dtype(), 6, 3).asConstant();
      layer.forward(x, Mode.EVALUATION).backward(dy);
      double[] expected = x.grad().toDoubleArray();
      double[] gamma = layer.gamma().grad().toDoubleArray();

      Tensor again = input(2, dtype, 6, 3);
      Tensor y = same.forward(again, Mode.EVALUATION);
      NoAutodiff.call(() -> same.forward(input(4, dtype, 6, 3), Mode.TRAINING));
      y.backward(dy);
      assertThat(again.grad().toDoubleArray()).isEqualTo(expected);
      assertThat(same.gamma().grad().toDoubleArray()).isEqualTo(gamma);
      assertThat(same.runningMean().toDoubleArray())
          .isNotEqualTo(layer.runningMean().toDoubleArray());
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void gradientsOfGradientsAreThoseOfTheEvaluationToo(DType dtype) {
    BatchNorm layer = layer(dtype);
    Tensor x = input(2, dtype, 6, 3);
    double[][] found = new double[2][];
    for (int trains = 0; trains < 2; trains++) {
      Tensor y = layer.forward(x, Mode.EVALUATION).square();
      if (trains == 1) {
        NoAutodiff.call(() -> layer.forward(input(4, dtype, 6, 3), Mode.TRAINING));
      }
      Tensor first = Gradients.of(y, x).get(0);
      found[trains] = Gradients.of(first.square(), x).get(0).toDoubleArray();
    }
    assertThat(found[1]).isEqualTo(found[0]);
  }

  @Test
  void evaluationWithoutRecordingUsesTheLiveStatistics() {
    BatchNorm layer = new BatchNorm(1, 0);
    layer.runningMean().update(storage -> storage.set(0, 2));
    Tensor x = Tensor.of(new float[] {3, 5}, 2, 1);
    assertThat(evaluate(layer, x, false)).containsExactly(1, 3);
    assertThat(evaluate(layer, x, true)).containsExactly(1, 3);
  }
}
