package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.ConvTranspose;
import io.github.jbatchnorm.nn.Initializer;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.Arrays;
import java.util.SplittableRandom;

/** ConvTranspose, with weights of the file. */
final class ImportConvTranspose {
  private ImportConvTranspose() {}

  static OnnxNetwork.Function read(NodeArguments node) throws FileFormatException {
    Stored weight = node.fixed(1);
    int[] kernel = ImportLayers.kernel(node, weight);
    String auto = node.text("auto_pad", "NOTSET");
    if (!auto.equals("NOTSET") && !auto.equals("VALID")) {
      throw node.attribute("auto_pad", "expected pads instead, got " + auto);
    }
    if (node.has("output_shape")) {
      throw node.attribute("output_shape", "expected pads and output_padding instead");
    }
    Windows windows = Windows.of(node, kernel);
    int[] more = node.sizes("output_padding", kernel.length, 0);
    ConvOptions options = windows.options(node.small("group", 1));
    OnnxNetwork.Function whole =
        isLayer(node, weight, options.groups())
            ? layer(node, weight, options, more)
            : function(node, options, more);
    return windows.symmetric() ? whole : (in, mode) -> cut(whole.apply(in, mode), windows);
  }

  private static boolean isLayer(NodeArguments node, Stored weight, int groups)
      throws FileFormatException {
    int out = Math.multiplyExact(weight.shape()[1], groups);
    return weight.type() == Stored.Type.F32
        && (!node.hasInput(2)
            || (node.isFixed(2) && ImportLayers.isVector(node.fixed(2), Stored.Type.F32, out)));
  }

  private static OnnxNetwork.Function layer(
      NodeArguments node, Stored weight, ConvOptions options, int... outputPadding)
      throws FileFormatException {
    int[] shape = weight.shape();
    int out = Math.multiplyExact(shape[1], options.groups());
    ConvTranspose.Builder builder =
        ConvTranspose.builder(shape[0], out, Arrays.copyOfRange(shape, 2, shape.length))
            .options(options)
            .outputPadding(outputPadding)
            .initializer(Initializer.constant(0));
    ConvTranspose layer =
        (node.hasInput(2) ? builder : builder.withoutBias()).build(new SplittableRandom(0));
    ImportLayers.set(layer.weight(), weight);
    Tensor bias = layer.bias();
    if (bias != null) {
      ImportLayers.set(bias, node.fixed(2));
    }
    node.layer(node.layerName(1, ".weight"), layer);
    node.take(0);
    return (in, mode) -> layer.forward(in[0], mode);
  }

  private static OnnxNetwork.Function function(
      NodeArguments node, ConvOptions options, int... outputPadding) throws FileFormatException {
    boolean biased = node.hasInput(2);
    node.take(0, 1);
    if (biased) {
      node.take(2);
    }
    return (in, mode) ->
        Functions.convTranspose(in[0], in[1], biased ? in[2] : null, options, outputPadding);
  }

  /** Returns what is left of y within pads that differ from side to side. */
  private static Tensor cut(Tensor y, Windows windows) {
    Index[] indices = new Index[y.ndim()];
    Arrays.fill(indices, Index.all());
    for (int i = 2; i < indices.length; i++) {
      int from = windows.padding()[i - 2];
      int to = y.dim(i) - windows.paddingAfter()[i - 2];
      indices[i] = Index.range(from, Math.max(from, to));
    }
    return y.slice(indices);
  }
}
