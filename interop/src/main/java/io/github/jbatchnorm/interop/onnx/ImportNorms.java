package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.util.Arrays;

/** The operators that normalize parts of each sample. */
final class ImportNorms {
  private static final int PER_CHANNEL =
      21; // from this version on scale and shift are; before it, each group's

  private ImportNorms() {}

  private static double eps(NodeArguments node) throws FileFormatException {
    return node.number("epsilon", 1e-5);
  }

  static OnnxNetwork.Function instance(NodeArguments node) throws FileFormatException {
    double eps = eps(node);
    node.take(0);
    if (isAll(node, 1, 1) && isAll(node, 2, 0)) {
      return (in, mode) -> Functions.instanceNorm(in[0], null, null, eps);
    }
    node.take(1, 2);
    return (in, mode) -> Functions.instanceNorm(in[0], in[1], in[2], eps);
  }

  private static boolean isAll(NodeArguments node, int input, double value)
      throws FileFormatException {
    if (!node.isFixed(input)) {
      return false;
    }
    Tensor tensor = StoredTensors.tensor(node.fixed(input));
    for (int i = 0; i < tensor.size(); i++) {
      if (tensor.storage().get(i) != value) {
        return false;
      }
    }
    return true;
  }

  static OnnxNetwork.Function layer(NodeArguments node) throws FileFormatException {
    double eps = eps(node);
    int axis = node.small("axis", -1);
    node.expect("stash_type", 1);
    boolean shifts = node.hasInput(2);
    node.take(0, 1);
    if (shifts) {
      node.take(2);
    }
    return (in, mode) -> {
      int n = in[0].ndim();
      int from = axis < 0 ? axis + n : axis;
      if (from < 0 || from >= n) {
        throw new IllegalArgumentException(
            "axis: %s is none of the axes of %s".formatted(axis, Arrays.toString(in[0].shape())));
      }
      int[] shape = Arrays.copyOfRange(in[0].shape(), from, n);
      return Functions.layerNorm(in[0], shape, in[1], shifts ? in[2] : null, eps);
    };
  }

  static OnnxNetwork.Function group(NodeArguments node) throws FileFormatException {
    double eps = eps(node);
    int groups = node.small("num_groups", 0);
    node.expect("stash_type", 1);
    node.take(0, 1, 2);
    if (node.opset() >= PER_CHANNEL) {
      return (in, mode) -> Functions.groupNorm(in[0], groups, in[1], in[2], eps);
    }
    return (in, mode) -> {
      int each = groups < 1 || in[0].ndim() < 2 ? 1 : in[0].dim(1) / groups;
      return Functions.groupNorm(in[0], groups, in[1].repeat(each, 0), in[2].repeat(each, 0), eps);
    };
  }
}
