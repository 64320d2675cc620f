package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Batches of samples that lie in one tensor; the last one may be smaller. */
final class TensorBatches implements BatchSource {
  private final Tensor x;
  private final int[] labels;
  private final int size;
  private final int[] order;

  private TensorBatches(Tensor x, int[] labels, int size, int[] order) {
    if (size < 1) {
      throw new IllegalArgumentException("size: expected 1 or more, got " + size);
    }
    if (x.ndim() < 1 || x.dim(0) != labels.length) {
      throw new IllegalArgumentException(
          "labels: expected one for each sample, got %s".formatted(labels.length));
    }
    this.x = x;
    this.labels = labels.clone();
    this.size = size;
    this.order = order;
  }

  /**
   * Returns batches in the samples' own order.
   *
   * @param x shape (N, ...)
   * @param labels N classes
   * @param size samples a batch, 1 or more
   * @throws IllegalArgumentException if the sizes do not fit
   */
  static TensorBatches inOrder(Tensor x, int[] labels, int size) {
    return new TensorBatches(x, labels, size, IntStream.range(0, labels.length).toArray());
  }

  /** As {@link #inOrder}, in an order that seed and epoch determine. */
  static TensorBatches shuffled(Tensor x, int[] labels, int size, long seed, int epoch) {
    TensorBatches batches = inOrder(x, labels, size);
    BatchSource.shuffle(batches.order, EpochRandom.of(seed, epoch));
    return batches;
  }

  /** As {@link #inOrder}, of samples drawn by weight. */
  static TensorBatches weighted(
      Tensor x, int[] labels, double[] weights, int samples, int size, long seed, int epoch) {
    Objects.requireNonNull(x, "x");
    if (weights.length != labels.length) {
      throw new IllegalArgumentException(
          "weights: expected %s (one for each label), got %s"
              .formatted(labels.length, weights.length));
    }
    if (samples < 0) {
      throw new IllegalArgumentException("samples: expected 0 or more, got " + samples);
    }
    SplittableRandom random = EpochRandom.of(seed, epoch);
    int[] drawn = new WeightedDraws(weights).draw(samples, random);
    return new TensorBatches(x, labels, size, drawn);
  }

  @Override
  public int size(int index) {
    return Math.min(size, order.length - index * size);
  }

  @Override
  public int count() {
    return (order.length + size - 1) / size;
  }

  @Override
  public Batch batch(int index) {
    int n = size(index);
    int each = x.size() / Math.max(1, labels.length);
    int[] shape = x.shape();
    shape[0] = n;
    int[] own = new int[n];
    Storage samples = Storage.uninitialized(x.dtype(), (long) n * each);
    for (int i = 0; i < n; i++) {
      int sample = order[index * size + i];
      samples.copy(x.storage(), sample * each, i * each, each);
      own[i] = labels[sample];
    }
    return new Batch(Tensor.constant(samples, shape), own);
  }
}
