package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Makes trained models ready for serving. */
public final class Serving {
  private Serving() {}

  /**
   * Recalibrates the running statistics of every {@link BatchNorm} in a model: they become those of
   * all the given data together (precise batch norm; Wu and Johnson, 2021), by one forward pass in
   * training mode. Parameters do not change.
   *
   * @param model a layer, or layers in {@link Sequential}
   * @param batches inputs of the model
   * @throws IllegalArgumentException as the model's forward; the statistics are then as before
   */
  public static void recalibrate(Layer model, Iterable<Tensor> batches) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(batches, "batches");
    List<RunningStatistics> all = new ArrayList<>();
    collect(model, all);
    all.forEach(RunningStatistics::startCollecting);
    boolean done = false;
    try {
      for (Tensor batch : batches) {
        NoAutodiff.call(() -> model.forward(batch, Mode.TRAINING));
      }
      done = true;
    } finally {
      for (RunningStatistics statistics : all) {
        statistics.finishCollecting(done);
      }
    }
  }

  private static void collect(Layer layer, List<RunningStatistics> all) {
    if (layer instanceof Sequential sequential) {
      sequential.layers().values().forEach(inner -> collect(inner, all));
    } else if (layer instanceof BatchNorm norm) {
      RunningStatistics statistics = norm.statistics();
      if (statistics != null) {
        all.add(statistics);
      }
    }
  }

  /**
   * Returns a model that evaluates to the same with fewer layers: each batch norm right after a
   * convolution or dense layer is folded into its weights and bias, weight gamma / sqrt(runningVar
   * + eps) and (bias - runningMean) gamma / sqrt(runningVar + eps) + beta. A tail stays as a
   * function of its own. The model given is left as it is; layers that are not folded are shared
   * with it.
   *
   * @throws IllegalArgumentException if a batch norm that would be folded has other channels than
   *     the layer before
   */
  public static Sequential folded(Sequential model) {
    Sequential.Builder result = Sequential.builder();
    String heldName = null;
    Layer held = null;
    for (Map.Entry<String, Layer> entry : model.layers().entrySet()) {
      Layer layer = entry.getValue();
      if (held != null && heldName != null) {
        Layer together =
            layer instanceof BatchNorm norm && norm.statistics() != null ? fold(held, norm) : null;
        result.add(heldName, together == null ? held : together);
        held = null;
        if (together != null) {
          double slope = ((BatchNorm) layer).options().slope();
          if (slope != 1) {
            result.add(entry.getKey(), x -> x.leakyRelu(slope));
          }
          continue;
        }
      }
      if ((layer instanceof Conv conv && !conv.hasRelu()) || layer instanceof Dense) {
        held = layer;
        heldName = entry.getKey();
      } else {
        result.add(entry.getKey(), layer instanceof Sequential inner ? folded(inner) : layer);
      }
    }
    if (held != null && heldName != null) {
      result.add(heldName, held);
    }
    return result.build();
  }

  private static @Nullable Layer fold(Layer layer, BatchNorm norm) {
    if (layer instanceof Conv conv) {
      return conv.with(
          scaled(conv.weight(), norm), shifted(conv.bias(), conv.weight().dim(0), norm));
    }
    if (layer instanceof Dense dense) {
      return new Dense(
          scaled(dense.weight(), norm), shifted(dense.bias(), dense.weight().dim(0), norm));
    }
    return null;
  }

  /** gamma / sqrt(runningVar + eps) of one channel. */
  private static double scale(BatchNorm norm, int c) {
    Tensor gamma = norm.gamma();
    double std = Math.sqrt(norm.runningVar().storage().get(c) + norm.options().eps());
    return (gamma == null ? 1 : gamma.storage().get(c)) / std;
  }

  private static Tensor scaled(Tensor weight, BatchNorm norm) {
    int out = weight.dim(0);
    if (out != norm.runningVar().size()) {
      throw new IllegalArgumentException(
          "model: a layer of %d outputs is followed by a batch norm of %d channels"
              .formatted(out, norm.runningVar().size()));
    }
    Tensor result = weight.copy();
    int each = weight.size() / Math.max(out, 1);
    Storage values = result.storage();
    for (int c = 0; c < out; c++) {
      double scale = scale(norm, c);
      for (int i = c * each; i < (c + 1) * each; i++) {
        values.set(i, values.get(i) * scale);
      }
    }
    return result;
  }

  private static Tensor shifted(@Nullable Tensor bias, int out, BatchNorm norm) {
    Tensor result = Initializers.filled(0, out);
    Tensor beta = norm.beta();
    for (int c = 0; c < out; c++) {
      double before = bias == null ? 0 : bias.storage().get(c);
      double centred = before - norm.runningMean().storage().get(c);
      double shift = beta == null ? 0 : beta.storage().get(c);
      result.storage().set(c, centred * scale(norm, c) + shift);
    }
    return result;
  }
}
