package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.util.Arrays;
import java.util.stream.IntStream;

/** The operators that make one element of many: pools, sums, softmax. */
final class ImportReductions {
  /** A reduction over some axes, which stay or go. */
  interface Reduction {
    Tensor apply(Tensor x, boolean keepDims, int... axes);
  }

  /** A softmax over one axis. */
  interface Softmax {
    Tensor apply(Tensor x, int axis, int... others);
  }

  private ImportReductions() {}

  private static Windows windows(NodeArguments node) throws FileFormatException {
    long[] kernel = node.integers("kernel_shape");
    if (kernel == null) {
      throw node.problem("attribute kernel_shape: is missing");
    }
    node.expect("ceil_mode", 0);
    Windows windows = Windows.of(node, ImportShapes.ints(kernel));
    if (Arrays.stream(windows.dilations()).anyMatch(d -> d != 1)) {
      throw node.attribute("dilations", "expected 1");
    }
    return windows;
  }

  static OnnxNetwork.Function maxPool(NodeArguments node) throws FileFormatException {
    Windows windows = windows(node);
    node.expect("storage_order", 0);
    node.take(0);
    return (in, mode) ->
        Functions.maxPool(
            windows.pad(in[0], Double.NEGATIVE_INFINITY), windows.kernel(), windows.strides());
  }

  static OnnxNetwork.Function averagePool(NodeArguments node) throws FileFormatException {
    Windows windows = windows(node);
    if (node.integer("count_include_pad", 0) == 0 && windows.padded()) {
      throw node.attribute("count_include_pad", "expected 1 beside pads");
    }
    node.take(0);
    return (in, mode) ->
        Functions.avgPool(windows.pad(in[0], 0), windows.kernel(), windows.strides());
  }

  private static int[] positions(Tensor x) {
    return IntStream.range(2, x.ndim()).toArray();
  }

  static OnnxNetwork.Function globalAveragePool(NodeArguments node) throws FileFormatException {
    node.take(0);
    return (in, mode) -> in[0].ndim() == 2 ? in[0] : in[0].mean(true, positions(in[0]));
  }

  static OnnxNetwork.Function globalMaxPool(NodeArguments node) throws FileFormatException {
    node.take(0);
    return (in, mode) -> in[0].ndim() == 2 ? in[0] : in[0].max(true, positions(in[0]));
  }

  static OnnxNetwork.Function reduce(NodeArguments node, Reduction reduction)
      throws FileFormatException {
    boolean keeps = node.integer("keepdims", 1) != 0;
    boolean nothing = node.integer("noop_with_empty_axes", 0) != 0;
    long first = node.node().operator().equals("ReduceSum") ? 13 : 18;
    long[] given =
        node.opset() < first
            ? node.integers("axes")
            : node.hasInput(1) ? node.fixedIntegers(1) : null;
    int[] axes = given == null ? new int[0] : ImportShapes.ints(given);
    node.take(0);
    return (in, mode) -> axes.length == 0 && nothing ? in[0] : reduction.apply(in[0], keeps, axes);
  }

  /** Before version 13 it is over all axes from one on, together. */
  static OnnxNetwork.Function softmax(NodeArguments node, Softmax softmax)
      throws FileFormatException {
    boolean one = node.opset() >= 13;
    int axis = node.small("axis", one ? -1 : 1);
    node.take(0);
    return (in, mode) ->
        one
            ? softmax.apply(in[0], axis)
            : softmax.apply(ImportShapes.rows(in[0], axis), 1).reshape(in[0].shape());
  }
}
