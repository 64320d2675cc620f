package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.GradientSum;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Passing;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.LocalRanks;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.functional.Losses;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
      parallel.backward(share);
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

  /** One of two ranks, which notes when sums begin and end. */
  private record Noting(Communicator ranks, List<String> events) implements Communicator {
    @Override
    public int rank() {
      return ranks.rank();
    }

    @Override
    public int size() {
      return ranks.size();
    }

    @Override
    public void allGather(ByteBuffer own, int[] lengths, ByteBuffer all) {
      ranks.allGather(own, lengths, all);
    }

    @Override
    public Runnable beginSum(Storage values) {
      int number = (int) events.stream().filter(event -> event.startsWith("begin")).count();
      events.add("begin " + number + " of " + values.length());
      Runnable end = Communicator.super.beginSum(values);
      return () -> {
        events.add("end " + number);
        end.run();
      };
    }
  }

  @Test
  void sumsOfLastLayersBeginBeforeBackwardComesToTheFirst() {
    List<List<String>> ranks =
        LocalRanks.run(
            2,
            own -> {
              List<String> events = new ArrayList<>();
              SplittableRandom random = new SplittableRandom(1);
              Sequential network =
                  Sequential.builder()
                      .add("first", new Dense(2, 3, random))
                      .add("mark1", x -> Passing.on(x, () -> events.add("after first")))
                      .add("second", new Dense(3, 4, random))
                      .add("mark2", x -> Passing.on(x, () -> events.add("after second")))
                      .add("third", new Dense(4, 5, random))
                      .build();
              DataParallel parallel = new DataParallel(network, new Noting(own, events), 16);
              events.clear();
              Tensor x = Tensor.of(new float[] {1, own.rank()}, 1, 2);
              parallel.backward(network.forward(x, Mode.TRAINING).sum(), 2);
              for (Map.Entry<String, Tensor> entry : network.parameters().entrySet()) {
                float[] values = new float[entry.getValue().size()];
                Objects.requireNonNull(entry.getValue().grad())
                    .storage()
                    .read(0, 1, values, values.length);
                events.add(entry.getKey() + " " + Arrays.toString(values));
              }
              return events;
            });
    assertThat(ranks.get(1)).isEqualTo(ranks.get(0));
    // Biases of 5, 4, 3 elements, weights of 20, 12, 6: only what fits in 16 goes together.
    assertThat(ranks.get(0))
        .startsWith("begin 0 of 5", "begin 1 of 20", "after second", "begin 2 of 16", "after first")
        .contains("begin 3 of 9", "end 0", "end 1", "end 2", "end 3")
        .contains("third.bias [4.0, 4.0, 4.0, 4.0, 4.0]");
  }

  @Test
  void networksThatDifferAreToldOnAllRanks() {
    List<String> shapes =
        LocalRanks.run(
            2,
            ranks -> {
              Dense dense = new Dense(2, 3 + ranks.rank(), new SplittableRandom(1));
              return message(() -> new DataParallel(dense, ranks));
            });
    assertThat(shapes)
        .containsOnly(
            "ranks: expected the same network on all, got weight F32 of 3x2 on rank 0 and weight F32"
                + " of 4x2 on rank 1");
    List<String> names =
        LocalRanks.run(
            3,
            ranks -> {
              Sequential.Builder network = Sequential.builder();
              network.add("a", new Dense(1, 1, new SplittableRandom(1)));
              if (ranks.rank() == 2) {
                network.add("b", new BatchNorm(1, 0.1));
              }
              return message(() -> new DataParallel(network.build(), ranks));
            });
    assertThat(names)
        .containsOnly(
            "ranks: expected the same network on all, got nothing more on rank 0 and b.weight F32 of"
                + " 1 on rank 2");
  }

  @Test
  void gradientsOfSeveralPassesAreAddedUpOnce() {
    List<Double> sums =
        LocalRanks.run(
            2,
            ranks -> {
              Dense dense = new Dense(1, 1, new SplittableRandom(1));
              DataParallel parallel = new DataParallel(dense, ranks);
              GradientSum sum = new GradientSum(dense.parameters().values());
              for (int part = 1; part <= 3; part++) {
                Tensor x = Tensor.of(new float[] {part + 10 * ranks.rank()}, 1, 1);
                dense.forward(x, Mode.TRAINING).sum().backward();
                sum.add();
              }
              sum.give();
              parallel.addGradients();
              return Objects.requireNonNull(dense.parameters().get("weight").grad()).item();
            });
    assertThat(sums).containsOnly(1.0 + 2 + 3 + 11 + 12 + 13);
  }

  /** What a body throws. */
  static String message(Runnable body) {
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
    assertThat(gradients)
        .containsOnly("gradients: weight has one on some ranks and none on others");
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
