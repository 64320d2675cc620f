package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.nn.Embedding;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Gather: rows of a matrix of the file by computed numbers, or parts of a value by fixed ones. */
final class ImportGather {
  private ImportGather() {}

  static OnnxNetwork.Function read(NodeArguments node) throws FileFormatException {
    int axis = node.small("axis", 0);
    boolean rows =
        axis == 0
            && node.isFixed(0)
            && !node.isFixed(1)
            && !node.isInteger(0)
            && node.fixed(0).shape().length == 2;
    return rows ? embedding(node, node.fixed(0)) : parts(node, axis);
  }

  private static OnnxNetwork.Function embedding(NodeArguments node, Stored weight)
      throws FileFormatException {
    node.integers(false);
    if (weight.type() != Stored.Type.F32) {
      node.take(0, 1);
      return (in, mode) -> Functions.embedding(in[1], in[0]);
    }
    int[] shape = weight.shape();
    Embedding embedding = new Embedding(shape[0], shape[1], new SplittableRandom(0));
    ImportLayers.set(embedding.weight(), weight);
    node.layer(node.layerName(0, ".weight"), embedding);
    node.take(1);
    return (in, mode) -> embedding.forward(in[0], mode);
  }

  private static OnnxNetwork.Function parts(NodeArguments node, int axis)
      throws FileFormatException {
    int[] numbers = ImportShapes.ints(node.fixedIntegers(1));
    Index chosen = node.fixed(1).shape().length == 0 ? Index.at(numbers[0]) : Index.of(numbers);
    node.take(0);
    return (in, mode) -> {
      int ndim = in[0].ndim();
      int at = axis < 0 ? axis + ndim : axis;
      if (at < 0 || at >= ndim) {
        throw new IllegalArgumentException("axis: %s is out of range".formatted(axis));
      }
      Index[] indices = new Index[at + 1];
      Arrays.fill(indices, Index.all());
      indices[at] = chosen;
      return in[0].slice(indices);
    };
  }
}
