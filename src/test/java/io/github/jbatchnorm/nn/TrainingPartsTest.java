package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.DataLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Optimizers, schedules, initial weights, dropout and the data loader by their formulas. */
class TrainingPartsTest {
  /** Takes one step with gradient g from the parameter p. */
  private static double step(Optimizer optimizer, Tensor p, double g) {
    p.multiply(g).backward();
    optimizer.step();
    return p.get(0);
  }

  private static Tensor parameter(double value) {
    return Tensor.of(new double[] {value}, 1);
  }

  @Test
  void nesterovsMomentumLooksAhead() {
    Tensor p = parameter(1);
    Sgd sgd = new Sgd(Map.of("p", p), 0.1, 0.5, true, WeightDecay.NONE);
    assertThat(step(sgd, p, 2)).isCloseTo(1 - 0.1 * (2 + 0.5 * 2), within(1e-15));
    double velocity = 0.5 * 2 + 4;
    assertThat(step(sgd, p, 4)).isCloseTo(0.7 - 0.1 * (4 + 0.5 * velocity), within(1e-15));
  }

  @Test
  void decayIsAddedToTheGradientOrTakenOffTheParameter() {
    Tensor p = parameter(2);
    Sgd sgd = new Sgd(Map.of("p", p), 0.1, 0, false, WeightDecay.ofAll(0.5));
    assertThat(step(sgd, p, 3)).isCloseTo(2 - 0.1 * (3 + 0.5 * 2), within(1e-15));
    Tensor q = parameter(2);
    Adam adamW = Adam.decoupled(Map.of("q", q), 0.1, WeightDecay.ofAll(0.5));
    assertThat(step(adamW, q, 3)).isCloseTo(2 - 0.1 * 0.5 * 2 - 0.1, within(1e-8));
    Tensor r = parameter(2);
    Adam adam = Adam.withDecay(Map.of("r", r), 0.1, WeightDecay.ofAll(0.5));
    assertThat(step(adam, r, -1 + 1e-3)).isCloseTo(2 - 0.1, within(1e-5)); // 1e-3 + ... > 0
  }

  @Test
  void decayOfWeightsLeavesGammaBetaAndBiasesAlone() {
    WeightDecay decay = WeightDecay.ofWeights(0.5);
    assertThat(decay.of("bn.weight", Tensors.ones(DType.F32, 4))).isZero();
    assertThat(decay.of("fc.weight", Tensors.ones(DType.F32, 4, 2))).isEqualTo(0.5);
    assertThatThrownBy(() -> WeightDecay.ofAll(-1)).hasMessageStartingWith("rate: expected");
  }

  @Test
  void rmsPropDividesByTheRootOfTheAverage() {
    Tensor p = parameter(1);
    RmsProp rms = new RmsProp(Map.of("p", p), 0.1, 0.5, WeightDecay.NONE);
    double average = 0.01 * 9;
    double velocity = 3 / (Math.sqrt(average) + 1e-8);
    assertThat(step(rms, p, 3)).isCloseTo(1 - 0.1 * velocity, within(1e-12));
    average = 0.99 * average + 0.01 * 4;
    double next = 0.5 * velocity + 2 / (Math.sqrt(average) + 1e-8);
    assertThat(step(rms, p, 2)).isCloseTo(1 - 0.1 * velocity - 0.1 * next, within(1e-12));
  }

  @Test
  void everyOptimizerFindsAMinimumAndKeepsItsStateInFiles() {
    Map<String, Tensor> parameters = Map.of("p", parameter(5));
    Tensor p = parameters.get("p");
    List<Optimizer> optimizers =
        List.of(
            new Sgd(parameters, 0.05, 0.9, true, WeightDecay.NONE),
            new Adam(parameters, 0.1),
            Adam.decoupled(parameters, 0.1, WeightDecay.ofWeights(0.1)),
            new RmsProp(parameters, 0.02, 0.5, WeightDecay.NONE));
    for (Optimizer optimizer : optimizers) {
      p.update(storage -> storage.set(0, 5));
      for (int i = 0; i < 600; i++) {
        p.subtract(2).square().backward();
        optimizer.step();
      }
      assertThat(p.get(0)).isCloseTo(2, within(0.1));
      var saved = StateFile.save(optimizer::visit);
      assertThat(saved).isNotEmpty();
      StateFile.load(saved, optimizer::visit);
    }
  }

  @Test
  void schedulesFollowTheirFormulas() {
    assertThat(Schedule.constant(0.1).rate(99)).isEqualTo(0.1);
    assertThat(Schedule.exponential(0.1, 0.5).rate(2)).isEqualTo(0.025);
    Schedule steps = Schedule.steps(1, 0.1, 10, 20);
    assertThat(steps.rate(9)).isEqualTo(1);
    assertThat(steps.rate(10)).isEqualTo(0.1);
    assertThat(steps.rate(20)).isCloseTo(0.01, within(1e-15));
    Schedule cosine = Schedule.cosine(1, 0, 100);
    assertThat(cosine.rate(0)).isEqualTo(1);
    assertThat(cosine.rate(50)).isCloseTo(0.5, within(1e-15));
    assertThat(cosine.rate(1000)).isZero();
    Schedule warm = cosine.after(4);
    assertThat(warm.rate(0)).isEqualTo(0.2);
    assertThat(warm.rate(3)).isEqualTo(0.8);
    assertThat(warm.rate(54)).isEqualTo(cosine.rate(50));
    assertThatThrownBy(() -> Schedule.cosine(1, 0, 0)).hasMessageStartingWith("steps:");
  }

  @Test
  void initialWeightsHaveTheirVariances() {
    SplittableRandom random = new SplittableRandom(3);
    Map<Initializer, Double> variances =
        Map.of(
            Initializer.heUniform(), 2.0 / 50,
            Initializer.heNormal(), 2.0 / 50,
            Initializer.glorotUniform(), 2.0 / 250,
            Initializer.glorotNormal(), 2.0 / 250,
            Initializer.fanInUniform(), 1.0 / 150,
            Initializer.normal(1, 0.5), 0.25,
            Initializer.uniform(-3, 3), 3.0);
    variances.forEach(
        (initializer, expected) -> {
          Tensor weight = initializer.create(random, 50, 200, 200, 50);
          assertThat(weight.shape()).containsExactly(200, 50);
          assertThat(weight.var().item()).isCloseTo(expected, within(0.06 * expected));
        });
    assertThat(Initializer.constant(0.5).create(random, 1, 1, 3).toDoubleArray()).containsOnly(0.5);
  }

  @Test
  void dropoutIsOfTrainingAndGoesOnFromItsState() {
    Tensor x = Tensors.ones(DType.F32, 100);
    Dropout layer = new Dropout(0.5, 7);
    assertThat(layer.forward(x, Mode.EVALUATION)).isSameAs(x);
    double[] first = layer.forward(x, Mode.TRAINING).toDoubleArray();
    var saved = StateFile.save(layer::visit);
    double[] second = layer.forward(x, Mode.TRAINING).toDoubleArray();
    assertThat(second).isNotEqualTo(first).containsOnly(0, 2);
    Dropout other = new Dropout(0.5, 7);
    StateFile.load(saved, other::visit);
    assertThat(other.forward(x, Mode.TRAINING).toDoubleArray()).isEqualTo(second);
    assertThatThrownBy(() -> new Dropout(1, 7)).hasMessageStartingWith("p: expected");
  }

  @Test
  void convLayerFusesReluAndKnowsGroups() {
    SplittableRandom random = new SplittableRandom(3);
    Conv conv =
        Conv.builder(4, 6, 3)
            .options(io.github.jbatchnorm.nn.functional.ConvOptions.DEFAULT.withGroups(2))
            .relu()
            .build(random);
    assertThat(conv.weight().shape()).containsExactly(6, 2, 3);
    Tensor y = conv.forward(Tensors.normal(DType.F32, random, 0, 1, 2, 4, 9), Mode.TRAINING);
    assertThat(y.shape()).containsExactly(2, 6, 7);
    assertThat(y.min().item()).isZero();
    assertThat(conv.parameters()).containsOnlyKeys("weight", "bias");
  }

  private static BatchSource batches(int epoch) {
    Tensor x = Tensors.arange(DType.F32, 0, 20, 1).reshape(10, 2).asConstant();
    int[] labels = IntStream.range(0, 10).toArray();
    return BatchSource.shuffled(x, labels, 3, 5, epoch);
  }

  private static List<Integer> labels(BatchSource source, int prefetch) {
    List<Integer> labels = new ArrayList<>();
    try (DataLoader loader = new DataLoader(source, prefetch)) {
      while (loader.hasNext()) {
        Batch batch = loader.next();
        for (int i = 0; i < batch.size(); i++) {
          labels.add(batch.labels()[i]);
          assertThat(batch.x().get(i, 1)).isEqualTo(2 * batch.labels()[i] + 1);
        }
      }
      assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
    }
    return labels;
  }

  @Test
  void loaderGivesEverySampleOnceInAnOrderOfSeedAndEpoch() {
    List<Integer> first = labels(batches(1), 1);
    assertThat(first).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assertThat(labels(batches(1), 4)).isEqualTo(first);
    assertThat(labels(batches(2), 4)).isNotEqualTo(first);
    int[] own = IntStream.range(0, 10).toArray();
    Tensor x = Tensors.arange(DType.F32, 0, 20, 1).reshape(10, 2);
    assertThat(labels(BatchSource.inOrder(x, own, 4), 2))
        .isEqualTo(Arrays.stream(own).boxed().toList());
  }

  @Test
  void loaderGivesItsBatchesToTheScopeOfTheCaller() {
    try (DataLoader loader = new DataLoader(batches(1), 2)) {
      List<Tensor> seen = new ArrayList<>();
      MemoryScope.run(() -> seen.add(loader.next().x()));
      assertThatThrownBy(() -> seen.get(0).get(0, 0)).isInstanceOf(IllegalStateException.class);
      Tensor later = loader.next().x();
      assertThat(later.get(0, 1) - later.get(0, 0)).isEqualTo(1);
    }
  }

  @Test
  void loaderThrowsWhatItsSourceThrows() {
    BatchSource broken =
        new BatchSource() {
          @Override
          public int count() {
            return 3;
          }

          @Override
          public Batch batch(int index) {
            if (index == 1) {
              throw new IllegalArgumentException("batch 1 is broken");
            }
            return new Batch(Tensors.ones(DType.F32, 1), 0);
          }
        };
    try (DataLoader loader = new DataLoader(broken, 2)) {
      assertThat(loader.next().size()).isEqualTo(1);
      assertThatThrownBy(loader::next).hasMessage("batch 1 is broken");
      assertThat(loader.hasNext()).isFalse();
    }
    assertThatThrownBy(() -> new DataLoader(broken, 0)).hasMessageStartingWith("prefetch:");
  }

  private static BatchSource source(IntFunction<Batch> batch) {
    return new BatchSource() {
      @Override
      public int count() {
        return 3;
      }

      @Override
      public Batch batch(int index) {
        return batch.apply(index);
      }
    };
  }

  @Test
  void loaderThrowsErrorsToo() {
    BatchSource broken =
        source(
            index -> {
              throw new AssertionError("batch %d is broken".formatted(index));
            });
    try (DataLoader loader = new DataLoader(broken, 2)) {
      assertThatThrownBy(loader::next)
          .isInstanceOf(AssertionError.class)
          .hasMessage("batch 0 is broken");
    }
  }

  @Test
  void loaderLeavesTheSourcesOwnDataToTheSource() {
    Tensor all = Tensors.ones(DType.F32, 3, 2).asConstant();
    BatchSource views = source(index -> new Batch(all.slice(Index.range(index, index + 1)), 0));
    try (DataLoader loader = new DataLoader(views, 1)) {
      while (loader.hasNext()) {
        MemoryScope.run(() -> assertThat(loader.next().x().get(0, 1)).isEqualTo(1));
      }
    }
    assertThat(all.get(2, 1)).isEqualTo(1);
  }

  @Test
  void aSourceThatInterruptsItsThreadIsToldOf() {
    BatchSource interrupting =
        source(
            index -> {
              Thread.currentThread().interrupt();
              return new Batch(Tensors.ones(DType.F32, 1), 0);
            });
    try (DataLoader loader = new DataLoader(interrupting, 1)) {
      assertThatThrownBy(
              () -> {
                while (loader.hasNext()) {
                  loader.next();
                }
              })
          .hasRootCauseInstanceOf(InterruptedException.class);
    }
  }

  @Test
  void closingALoaderEndsTheWaitForItsBatch() throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    BatchSource stuck =
        source(
            index -> {
              asked.countDown();
              try {
                never.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException("closed", e);
              }
              return new Batch(Tensors.ones(DType.F32, 1), 0);
            });
    DataLoader loader = new DataLoader(stuck, 1);
    CompletableFuture<Batch> waiting = CompletableFuture.supplyAsync(loader::next);
    asked.await();
    loader.close();
    assertThatThrownBy(waiting::join).hasCauseInstanceOf(RuntimeException.class);
  }
}
