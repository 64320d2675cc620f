package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.LocalRanks;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Training on ranks that are threads: the same on all, and as one rank with all of the batch. */
class DataParallelTest {
  private static final int SAMPLES = 90;
  private static final int CLASSES = 3;

  private static float[] points() {
    SplittableRandom random = new SplittableRandom(3);
    float[] points = new float[SAMPLES * 2];
    for (int i = 0; i < points.length; i++) {
      points[i] = (float) random.nextGaussian() + i / 2 % CLASSES;
    }
    return points;
  }

  private static int[] labels() {
    int[] labels = new int[SAMPLES];
    Arrays.setAll(labels, i -> i % CLASSES);
    return labels;
  }

  /** Its batch norm sees the data themselves, so that no other sum is in its bits. */
  private static Sequential network(Communicator ranks, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return Sequential.builder()
        .add("norm", BatchNorm.builder(2).synchronizedBy(ranks).build())
        .add("hidden", new Dense(2, 8, random))
        .add("relu", Tensor::relu)
        .add("out", new Dense(8, CLASSES, random))
        .build();
  }

  /** What a rank has after some steps: its parameters and statistics, by name, and the losses. */
  private record Trained(Map<String, float[]> state, List<Double> losses) {}

  /** Rank i of n has samples [SAMPLES i^2 / n^2, ...). */
  private static Trained train(Communicator ranks) {
    int size = ranks.size();
    int from = SAMPLES * ranks.rank() * ranks.rank() / size / size;
    int to = SAMPLES * (ranks.rank() + 1) * (ranks.rank() + 1) / size / size;
    Sequential network = network(ranks, ranks.rank()); // begins as rank 0's
    DataParallel parallel = new DataParallel(network, ranks);
    Sgd optimizer = new Sgd(network.parameters(), 0.1, 0.9);
    Tensor x = Tensor.of(Arrays.copyOfRange(points(), 2 * from, 2 * to), to - from, 2);
    int[] labels = Arrays.copyOfRange(labels(), from, to);
    List<Double> losses = new ArrayList<>();
    for (int step = 0; step < 5; step++) {
      Tensor mean =
          Losses.softmaxCrossentropy(network.forward(x.asConstant(), Mode.TRAINING), labels);
      Tensor share = parallel.share(mean, labels.length);
      share.backward();
      parallel.addGradients();
      optimizer.step();
      Storage loss = Storage.allocate(DType.F64, 1);
      loss.set(0, share.item());
      ranks.sum(loss);
      losses.add(loss.get(0));
    }
    Map<String, float[]> state = new TreeMap<>();
    for (State.Entry entry : State.of(network::visit)) {
      Tensor tensor = entry.tensor();
      if (tensor != null) {
        float[] values = new float[tensor.size()];
        tensor.storage().read(0, 1, values, values.length);
        state.put(entry.name(), values);
      }
    }
    return new Trained(state, losses);
  }

  @Test
  void ranksStayTheSameAndTrainAsOneDoes() {
    Trained alone = train(LocalRanks.alone());
    for (int size : new int[] {2, 3}) {
      List<Trained> ranks = LocalRanks.run(size, DataParallelTest::train);
      for (Trained rank : ranks) {
        rank.state()
            .forEach((name, found) -> assertThat(found).isEqualTo(ranks.get(0).state().get(name)));
        assertThat(rank.losses()).isEqualTo(ranks.get(0).losses());
      }
      // Statistics of the data themselves: the bits of one rank.
      assertThat(ranks.get(0).state().get("norm.running_mean"))
          .isEqualTo(alone.state().get("norm.running_mean"));
      assertThat(ranks.get(0).state().get("norm.running_var"))
          .isEqualTo(alone.state().get("norm.running_var"));
      for (int step = 0; step < 5; step++) {
        assertThat(ranks.get(0).losses().get(step))
            .isCloseTo(alone.losses().get(step), within(1e-5));
      }
      assertThat(alone.losses().get(4)).isLessThan(alone.losses().get(0));
    }
  }

  private static String message(Runnable body) {
    try {
      body.run();
      return "nothing";
    } catch (IllegalArgumentException | IllegalStateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void whatIsWrongOnOneRankAllRanksSay() {
    List<String> channels =
        LocalRanks.run(
            2,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              int c = ranks.rank() == 1 ? 3 : 2;
              return message(() -> norm.forward(Tensor.of(new float[4 * c], 4, c), Mode.TRAINING));
            });
    assertThat(channels).containsOnly("rank 1: x: expected 2 channels in axis 1, got shape [4, 3]");
    List<String> one =
        LocalRanks.run(
            2,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              int n = ranks.rank();
              return message(() -> norm.forward(Tensor.of(new float[2 * n], n, 2), Mode.TRAINING));
            });
    assertThat(one).allMatch(text -> text.contains("more than one element a channel"));
    List<String> gradients =
        LocalRanks.run(
            2,
            ranks -> {
              Dense dense = new Dense(2, 1, new SplittableRandom(1));
              DataParallel parallel = new DataParallel(dense, ranks);
              if (ranks.rank() == 0) {
                dense.forward(Tensor.of(new float[4], 2, 2), Mode.TRAINING).sum().backward();
              }
              return message(parallel::addGradients);
            });
    assertThat(gradients).containsOnly("gradients: weight has none on a rank: call backward first");
    List<String> samples =
        LocalRanks.run(
            2,
            ranks -> {
              DataParallel parallel = new DataParallel(new BatchNorm(2, 0.1), ranks);
              return message(() -> parallel.share(Tensor.scalar(1), 0));
            });
    assertThat(samples).containsOnly("samples: expected some on one rank at least, got none");
  }

  @Test
  void whatDoesNotGoTogetherIsRefused() {
    Communicator ranks = LocalRanks.alone();
    assertThatThrownBy(() -> BatchNorm.builder(2).synchronizedBy(ranks).groups(2).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("synchronizedBy");
    assertThatThrownBy(
            () -> BatchNorm.builder(2).synchronizedBy(ranks).renormalization(3, 5).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("synchronizedBy");
    Tensor x = Tensor.of(new float[8], 4, 2);
    Tensor mask = Tensor.of(new float[] {1, 1, 0, 1}, 4);
    assertThatThrownBy(() -> BatchNormOp.on(x).mask(mask).synchronizedBy(ranks).apply())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("synchronizedBy");
    Tensor y = BatchNormOp.on(x).synchronizedBy(ranks).apply();
    assertThatThrownBy(() -> Gradients.of(y.sum(), x))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("second derivatives");
  }
}
