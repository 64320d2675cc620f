package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.nn.models.ResNet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Exact population statistics of every batch norm of a model. */
class RecalibrationTest {
  private static final int N = 40;

  private static Sequential model() {
    return model(BatchNorm.builder(5));
  }

  private static Sequential model(BatchNorm.Builder first) {
    SplittableRandom random = new SplittableRandom(1);
    BatchNormOptions relu = BatchNormOptions.DEFAULT.withRelu();
    return Sequential.builder()
        .add("conv", Conv.builder(2, 5, 3, 3).withoutBias().build(random))
        .add("norm1", first.options(relu).build())
        .add("flat", x -> x.reshape(x.dim(0), -1))
        .add("dense", new Dense(5 * 16, 7, random))
        .add("norm2", BatchNorm.builder(7).options(relu).dtype(DType.F64).build())
        .add("last", new Dense(7, 3, random))
        .build();
  }

  private static Tensor images(long seed, int n) {
    Random random = new Random(seed);
    float[] values = new float[n * 2 * 36];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (3 + random.nextGaussian());
    }
    return Tensor.of(values, n, 2, 6, 6).asConstant();
  }

  private static List<Tensor> batches(Tensor all, List<Integer> order, int size) {
    int each = all.size() / all.dim(0);
    List<Tensor> batches = new ArrayList<>();
    for (int from = 0; from < order.size(); from += size) {
      List<Integer> rows = order.subList(from, Math.min(order.size(), from + size));
      float[] values = new float[rows.size() * each];
      for (int i = 0; i < rows.size(); i++) {
        all.storage().slice(rows.get(i) * each, each).copyTo(values, i * each);
      }
      int[] shape = all.shape();
      shape[0] = rows.size();
      batches.add(Tensor.of(values, shape).asConstant());
    }
    return batches;
  }

  private static List<Integer> rows(int n) {
    return new ArrayList<>(IntStream.range(0, n).boxed().toList());
  }

  @Test
  void theSameBitsHoweverTheDataAreCut() {
    Tensor all = images(1, N);
    Sequential whole = model();
    Serving.recalibrateExactly(whole, List.of(all));
    Map<String, Stored> expected = StateFile.save(whole::visit);
    for (int size : new int[] {1, 3, 7, 16, 39}) {
      List<Integer> order = rows(N);
      Collections.shuffle(order, new Random(size));
      Sequential model = model();
      Serving.recalibrateExactly(model, batches(all, order, size));
      assertThat(StateFile.save(model::visit)).isEqualTo(expected);
    }
  }

  @Test
  void partsOnOtherMachinesMergeToTheSameBits() {
    Tensor all = images(1, N);
    Sequential whole = model();
    Serving.recalibrateExactly(whole, List.of(all));
    Sequential model = model();
    Recalibration recalibration = new Recalibration(model);
    assertThat(recalibration.remaining()).containsExactly("norm1.", "norm2.");
    while (!recalibration.remaining().isEmpty()) {
      List<Recalibration.Part> parts = new ArrayList<>(List.of(recalibration.part()));
      for (Tensor batch : batches(all, rows(N), 9)) {
        Sequential there = model();
        StateFile.load(StateFile.save(model::visit), there::visit);
        Recalibration other = new Recalibration(there, recalibration.remaining());
        parts.add(recalibration.part(other.part().add(batch).toBytes()));
      }
      Collections.reverse(parts);
      Recalibration.Part sum = recalibration.part();
      parts.forEach(sum::merge);
      recalibration.finish(sum);
    }
    assertThat(StateFile.save(model::visit)).isEqualTo(StateFile.save(whole::visit));
  }

  /** Training normalizes with the biased variance of the batch: here of all of the data. */
  @Test
  void theyAreThoseOfATrainingPassWithAllDataAsOneBatch() {
    Tensor all = images(2, N);
    Sequential expected = model(BatchNorm.builder(5).biasedRunningVariance());
    Serving.recalibrate(expected, List.of(all));
    Sequential model = model(BatchNorm.builder(5).biasedRunningVariance());
    Serving.recalibrateExactly(model, List.of(all));
    for (String name : List.of("norm1", "norm2")) {
      BatchNorm one = (BatchNorm) expected.children().get(name);
      BatchNorm other = (BatchNorm) model.children().get(name);
      for (int c = 0; c < one.runningMean().size(); c++) {
        double var = one.runningVar().storage().get(c);
        assertThat(other.runningVar().storage().get(c)).isCloseTo(var, within(1e-5 * var));
        assertThat(other.runningMean().storage().get(c))
            .isCloseTo(one.runningMean().storage().get(c), within(1e-5 * Math.sqrt(var)));
      }
    }
  }

  @Test
  void oneLayerHasTheExactStatistics() {
    BatchNorm norm = new BatchNorm(1, 1e-5);
    BatchNorm biased =
        BatchNorm.builder(1)
            .options(BatchNormOptions.DEFAULT.withLayout(Layout.NHWC))
            .biasedRunningVariance()
            .build();
    List<Tensor> batches =
        List.of(Tensor.of(new float[] {1, 2}, 2, 1), Tensor.of(new float[] {3, 4, 10}, 3, 1));
    Serving.recalibrateExactly(norm, batches);
    Serving.recalibrateExactly(biased, batches);
    assertThat(norm.runningMean().item()).isEqualTo(4);
    assertThat(norm.runningVar().item()).isEqualTo(12.5);
    assertThat(biased.runningVar().item()).isEqualTo(10);
  }

  @Test
  void branchesOfResidualBlocksTakeTheirTurnsAsTheyAreRun() {
    Layer model = ResNet.create(1, 10, 1);
    Random random = new Random(1);
    float[] values = new float[4 * 3 * 32 * 32];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    Tensor all = Tensor.of(values, 4, 3, 32, 32).asConstant();
    Serving.recalibrateExactly(model, List.of(all));
    Tensor first = model.forward(all, Mode.EVALUATION);
    Tensor train = model.forward(all, Mode.TRAINING);
    for (int i = 0; i < first.size(); i++) {
      // But for the unbiased variance: 4 x 64 elements a channel in the last block.
      assertThat(first.storage().get(i)).isCloseTo(train.storage().get(i), within(2e-2));
    }
  }

  @Test
  void frozenStatisticsStay() {
    Sequential model = model();
    BatchNorm norm = (BatchNorm) model.children().get("norm1");
    norm.freezeStatistics(true);
    Serving.recalibrateExactly(model, List.of(images(1, 4)));
    assertThat(norm.runningMean().storage().get(0)).isZero();
    assertThat(((BatchNorm) model.children().get("norm2")).runningMean().storage().get(0))
        .isNotZero();
  }

  private static void refused(Layer model, List<Tensor> data, String message) {
    Map<String, Stored> before = StateFile.save(model::visit);
    assertThatThrownBy(() -> Serving.recalibrateExactly(model, data))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThat(StateFile.save(model::visit)).isEqualTo(before);
  }

  @Test
  void whatHasNoStatisticsIsRefusedAndChangesNothing() {
    refused(model(), List.of(), "all: expected data, got none");
    refused(
        new BatchNorm(2, 0),
        List.of(Tensor.of(new float[2], 1, 2)),
        "all: batch norm (the model) needs more than one element a channel, got 1");
    BatchNorm twice = new BatchNorm(2, 1e-5);
    Sequential tied =
        Sequential.builder().add("a", twice).add("b", twice).add("c", new BatchNorm(2, 0)).build();
    refused(
        tied,
        List.of(Tensor.of(new float[] {1, 2, 3, 5}, 2, 2)),
        "model: runs batch norm a twice: its statistics would depend on themselves");
    BatchNorm hidden = new BatchNorm(2, 1e-5);
    Sequential hides =
        Sequential.builder()
            .add("norm", new BatchNorm(2, 1e-5))
            .add("f", x -> hidden.forward(x, Mode.EVALUATION))
            .add("end", new BatchNorm(2, 1e-5))
            .build();
    refused(
        hides,
        List.of(Tensor.of(new float[] {1, 2, 3, 5}, 2, 2)),
        "model: runs a batch norm of 2 channels that neither children() nor visit() shows");
    Layer masked =
        new Layer() {
          private final BatchNorm norm = new BatchNorm(2, 1e-5);

          @Override
          public Tensor forward(Tensor x, Mode mode) {
            return norm.forward(x, null, Tensor.of(new float[] {1, 1}, 2), mode);
          }

          @Override
          public Map<String, Layer> children() {
            return Map.of("norm", norm);
          }
        };
    refused(
        masked,
        List.of(Tensor.of(new float[] {1, 2, 3, 5}, 2, 2)),
        "model: gives batch norm norm a mask, which recalibration does not take");
    // The first has its statistics already when the second fails.
    refused(
        Sequential.builder()
            .add("norm", new BatchNorm(2, 1e-5))
            .add("dense", new Dense(3, 1, new SplittableRandom(1)))
            .add("end", new BatchNorm(1, 1e-5))
            .build(),
        List.of(Tensor.of(new float[] {1, 2, 3, 5}, 2, 2)),
        "x: expected shape (N, 3), as the weights have it, got (2, 2)");
  }

  @Test
  void partsOfSomethingElseAreRefused() {
    Recalibration recalibration = new Recalibration(model());
    byte[] bytes = recalibration.part().add(images(1, 2)).toBytes();
    assertThat(recalibration.part(bytes).toBytes()).isEqualTo(bytes);
    byte[] none = recalibration.part().toBytes();
    assertThat(recalibration.part(none).toBytes()).isEqualTo(none);
    assertThatThrownBy(() -> recalibration.part(new byte[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytes: expected those of a part");
    assertThatThrownBy(() -> new Recalibration(model(), List.of("norm3.")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("remaining: the model has no batch norm norm3 with running statistics");
    Recalibration.Part second =
        new Recalibration(model(), List.of("norm2.")).part().add(images(1, 2));
    Recalibration.Part first = recalibration.part().add(images(1, 2));
    assertThatThrownBy(() -> first.merge(second))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("model: comes to batch norm norm1 with some data, to norm2 with others");
  }
}
