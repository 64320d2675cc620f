package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.Arrays;

/**
 * The operators that are told shapes, by the file or by what it computes of other shapes: as
 * flattening is written for any number of samples. Such shapes are constants of whole numbers.
 */
final class ImportSizes {
  private ImportSizes() {}

  /** Where sizes come from. */
  interface Sizes {
    int[] of(Tensor... in);
  }

  /** Returns an input's sizes; those that are computed are the second value that the node takes. */
  static Sizes sizes(NodeArguments node, int input) throws FileFormatException {
    if (node.isFixed(input) || !node.isInteger(input)) {
      int[] sizes = ImportShapes.ints(node.fixedIntegers(input));
      node.take(0);
      return in -> sizes;
    }
    node.take(0, input);
    return in -> whole(in[1]);
  }

  private static int[] whole(Tensor sizes) {
    double[] values = sizes.toDoubleArray();
    int[] whole = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      whole[i] = (int) values[i];
      if (whole[i] != values[i]) {
        throw new IllegalArgumentException(
            "shape: expected whole numbers of 32 bits, got " + Arrays.toString(values));
      }
    }
    return whole;
  }

  static OnnxNetwork.Function shape(NodeArguments node) throws FileFormatException {
    int start = node.small("start", 0);
    int end = ImportShapes.cut(node.integer("end", Integer.MAX_VALUE));
    node.take(0);
    node.integers(true);
    return (in, mode) -> {
      int[] shape = in[0].shape();
      int from = within(start, shape.length);
      int to = Math.max(from, within(end, shape.length));
      return Tensor.ofInts(Arrays.copyOfRange(shape, from, to), to - from);
    };
  }

  /** Returns where an axis is, the last ones being negative, and all others the first or last. */
  private static int within(int axis, int count) {
    return Math.max(0, Math.min(axis < 0 ? axis + count : axis, count));
  }

  static OnnxNetwork.Function constantOfShape(NodeArguments node) throws FileFormatException {
    Stored told = node.tensor("value");
    boolean whole = told != null && told.type().isInteger();
    Tensor value = told == null ? Tensor.scalar(0f) : StoredTensors.tensor(told);
    if (value.size() != 1) {
      throw node.attribute("value", "expected one number, got " + told);
    }
    node.take(0);
    node.integers(whole);
    double fill = value.storage().get(0);
    DType dtype = value.dtype();
    return (in, mode) -> Tensors.full(dtype, fill, whole(in[0])).asConstant();
  }

  /** Whole numbers stay such, whatever chooses among them. */
  static OnnxNetwork.Function where(NodeArguments node) throws FileFormatException {
    node.take(0, 1, 2);
    node.integers(node.isInteger(1) && node.isInteger(2));
    return (in, mode) -> Tensors.where(in[0], in[1], in[2]);
  }

  static OnnxNetwork.Function reshape(NodeArguments node) throws FileFormatException {
    boolean zeros = node.integer("allowzero", 0) != 0;
    Sizes sizes = sizes(node, 1);
    if (node.isFixed(1)) {
      int[] known = sizes.of();
      if (Arrays.stream(known).filter(size -> size == -1).count() > 1
          || Arrays.stream(known).anyMatch(size -> size < -1)) {
        throw node.problem("input 1: %s is no shape".formatted(Arrays.toString(known)));
      }
    }
    return (in, mode) -> {
      int[] shape = sizes.of(in).clone();
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = shape[axis] == 0 && !zeros ? in[0].dim(axis) : shape[axis];
      }
      return in[0].reshape(shape);
    };
  }

  static OnnxNetwork.Function expand(NodeArguments node) throws FileFormatException {
    Sizes sizes = sizes(node, 1);
    return (in, mode) -> {
      int[] own = in[0].shape();
      int[] told = sizes.of(in);
      int n = Math.max(own.length, told.length);
      int[] shape = new int[n];
      for (int i = 1; i <= n; i++) {
        int a = i <= own.length ? own[own.length - i] : 1;
        int b = i <= told.length ? told[told.length - i] : 1;
        shape[n - i] = a == 1 ? b : a;
      }
      return in[0].broadcastTo(shape);
    };
  }
}
