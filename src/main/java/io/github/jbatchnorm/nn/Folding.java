package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * A batch norm right after a layer with weights, folded into them: weight gamma / sqrt(runningVar +
 * eps), and (bias - runningMean) gamma / sqrt(runningVar + eps) + beta.
 */
final class Folding {
  private final BatchNorm norm;
  private final int channels;

  /**
   * Checks that a batch norm can be folded into the layer before it.
   *
   * @param name the batch norm's, for messages
   * @param channels how many outputs that layer has
   */
  Folding(String name, BatchNorm norm, int channels) {
    if (norm.statistics() == null) {
      throw cannot(name, "it tracks no statistics");
    }
    if (norm.runningVar().size() != channels) {
      throw cannot(
          name,
          "it has %s channels, the layer before it %s outputs"
              .formatted(norm.runningVar().size(), channels));
    }
    this.norm = norm;
    this.channels = channels;
  }

  static IllegalArgumentException cannot(String name, String reason) {
    return new IllegalArgumentException(
        "model: batch norm %s cannot be folded: %s".formatted(name, reason));
  }

  /** Returns the layer, in which there is no batch norm. */
  static Layer withoutBatchNorm(String name, Layer layer) {
    for (String inner : BatchNorms.of(layer).keySet()) {
      String dotted = name + inner;
      throw cannot(
          dotted.endsWith(".") ? dotted.substring(0, dotted.length() - 1) : dotted,
          "no convolution or dense layer lies right before it in a Sequential");
    }
    return layer;
  }

  /** gamma / sqrt(runningVar + eps) of one channel. */
  private double scale(int c) {
    Tensor gamma = norm.gamma();
    double std = Math.sqrt(norm.runningVar().storage().get(c) + norm.options().eps());
    return (gamma == null ? 1 : gamma.storage().get(c)) / std;
  }

  /** Returns the weights of the two layers in one, in the wider of their dtypes. */
  Tensor weight(Tensor weight) {
    Tensor result = weight.astype(dtype(weight)).copy();
    int each = weight.size() / Math.max(channels, 1);
    Storage values = result.storage();
    for (int c = 0; c < channels; c++) {
      double scale = scale(c);
      for (int i = c * each; i < (c + 1) * each; i++) {
        values.set(i, values.get(i) * scale);
      }
    }
    return result;
  }

  /** Returns the bias of the two layers in one. */
  Tensor bias(Tensor weight, @Nullable Tensor bias) {
    Tensor result = Tensor.zeros(dtype(weight), channels);
    Tensor beta = norm.beta();
    for (int c = 0; c < channels; c++) {
      double before = bias == null ? 0 : bias.storage().get(c);
      double centred = before - norm.runningMean().storage().get(c);
      double shift = beta == null ? 0 : beta.storage().get(c);
      result.storage().set(c, centred * scale(c) + shift);
    }
    return result;
  }

  private DType dtype(Tensor weight) {
    return DType.promote(weight.dtype(), norm.runningVar().dtype());
  }
}
