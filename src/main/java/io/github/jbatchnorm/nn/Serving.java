package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;

/** Makes trained models ready for serving. */
public final class Serving {
  private static final ThreadLocal<Boolean> RECALIBRATES = ThreadLocal.withInitial(() -> false);

  private Serving() {}

  /**
   * Recalibrates the running statistics of every {@link BatchNorm} in a model: they become those of
   * all the given data together (precise batch norm; Wu and Johnson, 2021), whatever they were, by
   * one forward pass in training mode. Statistics that are frozen stay, and so do those of a layer
   * that the pass does not come to. Those of an {@link InstanceNorm} stay too, and are what it
   * normalizes with. Parameters do not change.
   *
   * @param model a layer that shows the batch norms inside by {@link Layer#children} or {@link
   *     Layer#visit}
   * @param batches inputs of the model
   * @throws IllegalArgumentException as the model's forward, or if the pass comes to a batch norm
   *     that the model does not show; the statistics are then as before
   */
  public static void recalibrate(Layer model, Iterable<Tensor> batches) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(batches, "batches");
    Set<RunningStatistics> all = Collections.newSetFromMap(new IdentityHashMap<>());
    for (BatchNorm norm : BatchNorms.of(model).values()) {
      RunningStatistics statistics = norm.statistics();
      if (statistics != null) {
        all.add(statistics);
      }
    }
    all.forEach(RunningStatistics::startCollecting);
    RECALIBRATES.set(true);
    boolean done = false;
    try {
      for (Tensor batch : batches) {
        NoAutodiff.call(() -> model.forward(batch, Mode.TRAINING));
      }
      done = true;
    } finally {
      RECALIBRATES.remove();
      for (RunningStatistics statistics : all) {
        statistics.finishCollecting(done);
      }
    }
  }

  /**
   * Recalibrates the running statistics of every {@link BatchNorm} in a model to the exact mean and
   * variance of what comes to it, those before it being recalibrated already: one batch norm after
   * the other, each by a pass over all of the data ({@link Recalibration}, which takes them from
   * many machines). Unlike {@link #recalibrate}, in which a layer normalizes with each batch's own
   * statistics, the result has the same bits however the data are cut into batches and in whatever
   * order these come. Statistics that are frozen stay, and so do those of a layer that evaluation
   * does not come to.
   *
   * @param model a layer that shows the batch norms inside by {@link Layer#children} or {@link
   *     Layer#visit}; its functions must not mix samples
   * @param batches inputs of the model, gone over once for each batch norm
   * @throws IllegalArgumentException as {@link Recalibration.Part#add} and {@link
   *     Recalibration#finish}; the statistics are then as before
   */
  public static void recalibrateExactly(Layer model, Iterable<Tensor> batches) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(batches, "batches");
    Recalibration recalibration = new Recalibration(model);
    IdentityHashMap<RunningStatistics, RunningStatistics.Snapshot> before = new IdentityHashMap<>();
    for (BatchNorm norm : BatchNorms.of(model).values()) {
      RunningStatistics statistics = norm.statistics();
      if (statistics != null) {
        before.put(statistics, statistics.snapshot());
      }
    }
    boolean done = false;
    try {
      while (!recalibration.remaining().isEmpty()) {
        Recalibration.Part all = recalibration.part();
        batches.forEach(all::add);
        recalibration.finish(all);
      }
      done = true;
    } finally {
      if (!done) {
        before.forEach(RunningStatistics::restore);
      }
    }
  }

  /** Returns whether this thread is in {@link #recalibrate}. */
  static boolean recalibrates() {
    return RECALIBRATES.get();
  }

  /** Refuses to move statistics that a recalibration on this thread should have found. */
  static void checkShown(int channels) {
    if (RECALIBRATES.get()) {
      throw notShown(channels);
    }
  }

  static IllegalArgumentException notShown(int channels) {
    return new IllegalArgumentException(
        "model: runs a batch norm of %s channels that neither children() nor visit() shows"
            .formatted(channels));
  }

  /**
   * Evaluates a model while a watcher is told by its layers what they return: for who writes it as
   * a graph, which {@link Tensor#creator} and {@link
   * io.github.jbatchnorm.autograd.Operation#inputs} lead through. A layer of a user is seen where a
   * {@link Sequential} calls it.
   *
   * @param model which is evaluated
   * @param x its input; a variable, or else nothing is recorded
   * @param watcher is told of each call when it ends, of some calls twice
   * @return the output
   */
  public static Tensor watched(Layer model, Tensor x, BiConsumer<Layer, Tensor> watcher) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(watcher, "watcher");
    return OutputShapes.watched(model, x, watcher);
  }

  /**
   * {@return a model that evaluates to the same without batch norms: each is folded into the
   * weights and bias of the convolution or dense layer right before it, weight gamma /
   * sqrt(runningVar + eps) and (bias - runningMean) gamma / sqrt(runningVar + eps) + beta} A tail
   * stays as a function of its own. The model given is left as it is; layers that are not folded
   * are shared with it.
   *
   * <p>Batch norms lie in {@link Sequential}, in a residual block of this library, or in layers
   * that override {@link Layer#folded}. To keep one that cannot be folded, fold the parts before
   * and after it.
   *
   * @param model which stays as it is
   * @throws IllegalArgumentException if a batch norm cannot be folded: there is no such layer right
   *     before it, it has other channels, is channels-last after a convolution, or tracks no
   *     statistics. The message names it
   */
  public static Sequential folded(Sequential model) {
    return model.folded("");
  }
}
