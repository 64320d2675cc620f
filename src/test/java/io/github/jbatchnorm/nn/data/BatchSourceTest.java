package io.github.jbatchnorm.nn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Whole batches alone, and samples drawn by weight. */
class BatchSourceTest {
  private static final Tensor X = Tensors.arange(DType.F32, 0, 20, 1).reshape(10, 2).asConstant();
  private static final int[] LABELS = IntStream.range(0, 10).toArray();

  private static List<Integer> sizes(BatchSource source) {
    return IntStream.range(0, source.count()).map(i -> source.batch(i).size()).boxed().toList();
  }

  private static int[] labels(BatchSource source) {
    return IntStream.range(0, source.count())
        .flatMap(i -> Arrays.stream(source.batch(i).labels()))
        .toArray();
  }

  @Test
  void everySourceDropsALastBatchThatIsSmaller() {
    List<BatchSource> sources =
        List.of(
            BatchSource.inOrder(X, LABELS, 4),
            BatchSource.shuffled(X, LABELS, 4, 1, 1),
            ImageSet.draw(10, 1).shuffled(4, 1, 1, 1),
            ColorImages.draw(10, 1).inOrder(4));
    for (BatchSource source : sources) {
      assertThat(sizes(source)).containsExactly(4, 4, 2);
      assertThat(source.size(2)).isEqualTo(2);
      BatchSource whole = source.dropLast(4);
      assertThat(sizes(whole)).containsExactly(4, 4);
      assertThat(whole.size(1)).isEqualTo(4);
      assertThat(labels(whole)).isEqualTo(Arrays.copyOf(labels(source), 8));
      assertThatThrownBy(() -> whole.batch(2)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> whole.size(2)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void wholeBatchesStay() {
    BatchSource whole = BatchSource.inOrder(X, LABELS, 5);
    assertThat(whole.dropLast(5)).isSameAs(whole);
    assertThat(BatchSource.inOrder(X, LABELS, 16).dropLast(16).count()).isZero();
    BatchSource none = BatchSource.inOrder(Tensors.zeros(DType.F32, 0, 2), new int[0], 4);
    assertThat(none.dropLast(4).count()).isZero();
    assertThatThrownBy(() -> whole.dropLast(0)).hasMessage("size: expected 1 or more, got 0");
  }

  @Test
  void aSourceOfAUsersOwnIsAskedForItsLastBatch() {
    BatchSource own =
        new BatchSource() {
          @Override
          public int count() {
            return 2;
          }

          @Override
          public Batch batch(int index) {
            return new Batch(Tensors.zeros(DType.F32, 3 - index), new int[3 - index]);
          }
        };
    assertThat(sizes(own.dropLast(3))).containsExactly(3);
    assertThat(sizes(own.dropLast(2))).containsExactly(3, 2);
  }

  @Test
  void samplesAreDrawnInProportionToTheirWeights() {
    double[] weights = {0, 1, 0, 3, 0, 0, 4, 0, 0, 0};
    int drawn = 20_000;
    BatchSource source = BatchSource.weighted(X, LABELS, weights, drawn, 64, 5, 1);
    assertThat(source.count()).isEqualTo(313);
    assertThat(source.batch(312).size()).isEqualTo(drawn - 312 * 64);
    int[] counts = new int[10];
    for (int label : labels(source)) {
      counts[label]++;
    }
    for (int i = 0; i < 10; i++) {
      double p = weights[i] / 8;
      double deviation = Math.sqrt(drawn * p * (1 - p));
      assertThat((double) counts[i]).isCloseTo(drawn * p, within(4 * deviation));
    }
    Batch batch = source.batch(7);
    for (int i = 0; i < 64; i++) {
      assertThat(batch.x().get(i, 1)).isEqualTo(2 * batch.labels()[i] + 1);
    }
  }

  @Test
  void drawsAreOfSeedAndEpoch() {
    double[] weights = Arrays.stream(LABELS).asDoubleStream().toArray();
    int[] first = labels(BatchSource.weighted(X, LABELS, weights, 50, 8, 5, 1));
    assertThat(labels(BatchSource.weighted(X, LABELS, weights, 50, 16, 5, 1))).isEqualTo(first);
    assertThat(labels(BatchSource.weighted(X, LABELS, weights, 50, 8, 5, 2))).isNotEqualTo(first);
    assertThat(labels(BatchSource.weighted(X, LABELS, weights, 50, 8, 6, 1))).isNotEqualTo(first);
  }

  @Test
  void badWeightsAreRefusedByName() {
    assertThatThrownBy(() -> draw(0.0, 0.0)).hasMessageEndingWith("sum of more than 0, got 0.0");
    assertThatThrownBy(() -> draw(1, -1))
        .hasMessage("weights: expected finite values of 0 or more, got -1.0 (index 1)");
    assertThatThrownBy(() -> draw(Double.NaN, 1)).hasMessageEndingWith("got NaN (index 0)");
    assertThatThrownBy(() -> draw(1, Double.POSITIVE_INFINITY))
        .hasMessageEndingWith("got Infinity (index 1)");
    assertThatThrownBy(() -> draw(Double.MAX_VALUE, Double.MAX_VALUE))
        .hasMessage("weights: expected a finite sum of more than 0, got Infinity");
    assertThatThrownBy(() -> draw(1, 1, 1))
        .hasMessage("weights: expected 2 (one for each label), got 3");
    double[] weights = {1, 1};
    Tensor x = Tensors.zeros(DType.F32, 2, 3);
    assertThatThrownBy(() -> BatchSource.weighted(x, new int[2], weights, -1, 1, 1, 1))
        .hasMessage("samples: expected 0 or more, got -1");
    assertThatThrownBy(() -> BatchSource.weighted(x, new int[2], weights, 1, 0, 1, 1))
        .hasMessage("size: expected 1 or more, got 0");
  }

  private static void draw(double... weights) {
    BatchSource.weighted(Tensors.zeros(DType.F32, 2, 3), new int[2], weights, 4, 2, 1, 1);
  }
}
