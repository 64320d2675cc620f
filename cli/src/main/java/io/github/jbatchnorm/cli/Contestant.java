package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.DataParallel;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.LossScale;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Optimizer;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.DataLoader;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One of the two networks, with its optimizer. */
final class Contestant {
  private static final int PREFETCH = 2;

  private final String name;
  private final Layer network;
  private final Optimizer optimizer;
  private final DType dtype;

  /** For f16, whose small gradients would be 0; null for the others. */
  private final @Nullable LossScale scale;

  /** The ranks that have a share of every batch each; null for one that has all. */
  private final @Nullable Communicator ranks;

  private final @Nullable DataParallel parallel;

  /**
   * Makes one.
   *
   * @param dtype of what the layers compute; the parameters are f32
   * @param ranks that have a share of every batch each, or null
   */
  Contestant(
      String name, Layer network, Optimizer optimizer, DType dtype, @Nullable Communicator ranks) {
    this.name = name;
    this.network = network;
    this.optimizer = optimizer;
    this.dtype = dtype;
    this.scale = dtype == DType.F16 ? new LossScale() : null;
    this.ranks = ranks;
    this.parallel = ranks == null ? null : new DataParallel(network, ranks);
  }

  String name() {
    return name;
  }

  /** Shows network and optimizer to a visitor. */
  void visit(StateVisitor visitor) {
    network.visit(visitor);
    optimizer.visit(visitor.within("optimizer."));
    if (scale != null) {
      scale.visit(visitor.within("scale."));
    }
  }

  /** Is told of each batch that was trained on. */
  @FunctionalInterface
  interface BatchListener {
    void trained(int images, double loss);
  }

  /** Trains on each image once. */
  void train(BatchSource batches, double learningRate, BatchListener listener) {
    optimizer.learningRate(learningRate);
    try (DataLoader loader = new DataLoader(batches, PREFETCH)) {
      while (loader.hasNext()) {
        MemoryScope.run(() -> step(loader.next(), listener));
      }
    }
  }

  private Tensor scores(Batch batch, Mode mode) {
    return network.forward(batch.x().astype(dtype), mode).astype(DType.F32);
  }

  private void step(Batch batch, BatchListener listener) {
    Batch own = share(batch);
    Tensor loss = Losses.softmaxCrossentropy(scores(own, Mode.TRAINING), own.labels());
    double seed = scale == null ? 1 : scale.value();
    if (parallel == null) {
      loss.backward(seed);
    } else {
      parallel.backward(parallel.share(loss, own.size()), seed);
    }
    if (scale == null || scale.unscale(network.parameters().values())) {
      optimizer.step();
    }
    listener.trained(batch.size(), loss.item());
  }

  /** Returns this rank's part of a batch; the first rank has one sample at least. */
  private Batch share(Batch batch) {
    if (ranks == null) {
      return batch;
    }
    int from = begin(batch.size(), ranks.rank(), ranks.size());
    int to = begin(batch.size(), ranks.rank() + 1, ranks.size());
    return new Batch(
        batch.x().slice(Index.range(from, to)), Arrays.copyOfRange(batch.labels(), from, to));
  }

  private static int begin(int samples, int rank, int size) {
    return (int) (((long) samples * rank + size - 1) / size);
  }

  /** Returns the share of images that are recognized; ranks take batches in turn. */
  double accuracy(BatchSource batches) {
    Storage counts = Storage.allocate(DType.F64, 2);
    int step = ranks == null ? 1 : ranks.size();
    for (int i = ranks == null ? 0 : ranks.rank(); i < batches.count(); i += step) {
      Batch batch = batches.batch(i);
      MemoryScope.run(() -> counts.set(0, counts.get(0) + recognized(batch)));
      counts.set(1, counts.get(1) + batch.size());
    }
    if (ranks != null) {
      ranks.sum(counts);
    }
    return counts.get(0) / counts.get(1);
  }

  private int recognized(Batch batch) {
    Tensor scores = NoAutodiff.call(() -> scores(batch, Mode.EVALUATION));
    int[] labels = batch.labels();
    int right = 0;
    for (int n = 0; n < labels.length; n++) {
      right += likeliest(scores, n) == labels[n] ? 1 : 0;
    }
    return right;
  }

  private static int likeliest(Tensor scores, int row) {
    int best = 0;
    for (int k = 1; k < scores.dim(1); k++) {
      best = scores.get(row, k) > scores.get(row, best) ? k : best;
    }
    return best;
  }
}
