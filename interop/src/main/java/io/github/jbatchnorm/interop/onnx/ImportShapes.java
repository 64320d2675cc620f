package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The operators that arrange elements anew. */
final class ImportShapes {
  private ImportShapes() {}

  static OnnxNetwork.@Nullable Function constant(NodeArguments node) throws FileFormatException {
    Stored value = node.tensor("value");
    float[] numbers = single(node.has("value_float"), (float) node.number("value_float", 0));
    long[] integers = single(node.has("value_int"), node.integer("value_int", 0));
    boolean alone = numbers != null || integers != null;
    numbers = numbers != null ? numbers : node.numbers("value_floats");
    integers = integers != null ? integers : node.integers("value_ints");
    if (value != null) {
      node.fix(value);
    } else if (numbers != null) {
      ByteBuffer bytes = bytes(numbers.length * Float.BYTES);
      bytes.asFloatBuffer().put(numbers);
      node.fix(new Stored(Stored.Type.F32, shape(alone, numbers.length), bytes));
    } else if (integers != null) {
      ByteBuffer bytes = bytes(integers.length * Long.BYTES);
      bytes.asLongBuffer().put(integers);
      node.fix(new Stored(Stored.Type.I64, shape(alone, integers.length), bytes));
    } else {
      throw node.problem("has no value that is read");
    }
    return null;
  }

  private static float @Nullable [] single(boolean there, float value) {
    return there ? new float[] {value} : null;
  }

  private static long @Nullable [] single(boolean there, long value) {
    return there ? new long[] {value} : null;
  }

  private static ByteBuffer bytes(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int[] shape(boolean alone, int length) {
    return alone ? new int[0] : new int[] {length};
  }

  /** Returns a number as an int: bounds of slices are cut, sizes must fit. */
  static int cut(long value) {
    return (int) Math.max(-Integer.MAX_VALUE, Math.min(value, Integer.MAX_VALUE));
  }

  static int[] ints(long... values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  static OnnxNetwork.Function concat(NodeArguments node) throws FileFormatException {
    int axis = node.small("axis", 1);
    for (int i = 0; i < Math.max(1, node.inputs()); i++) {
      node.take(i);
    }
    return (in, mode) -> Tensors.concatenate(axis, in);
  }

  static OnnxNetwork.Function flatten(NodeArguments node) throws FileFormatException {
    int axis = node.small("axis", 1);
    node.take(0);
    return (in, mode) -> rows(in[0], axis);
  }

  /** Returns x with the axes before one as rows. */
  static Tensor rows(Tensor x, int axis) {
    int at = axis < 0 ? axis + x.ndim() : axis;
    if (at < 0 || at > x.ndim()) {
      throw new IllegalArgumentException(
          "axis %s is none of the axes of %s".formatted(axis, Arrays.toString(x.shape())));
    }
    int rows = 1;
    for (int i = 0; i < at; i++) {
      rows *= x.dim(i);
    }
    return x.reshape(rows, rows == 0 ? 0 : x.size() / rows);
  }

  static OnnxNetwork.Function pad(NodeArguments node) throws FileFormatException {
    String how = node.text("mode", "constant");
    if (!how.equals("constant")) {
      throw node.attribute("mode", "expected constant, got " + how);
    }
    boolean told = node.opset() < 11;
    long[] pads = told ? node.integers("pads") : node.fixedIntegers(1);
    double value = told ? node.number("value", 0) : node.hasInput(2) ? node.fixedNumber(2) : 0;
    if (node.hasInput(3)) {
      throw node.problem("input 3: axes are not read");
    }
    if (pads == null || pads.length % 2 != 0 || Arrays.stream(pads).anyMatch(p -> p < 0)) {
      throw node.problem(
          "pads: expected two numbers of 0 or more an axis, got " + Arrays.toString(pads));
    }
    int n = pads.length / 2;
    int[] before = ints(Arrays.copyOf(pads, n));
    int[] after = ints(Arrays.copyOfRange(pads, n, 2 * n));
    node.take(0);
    return (in, mode) -> padded(in[0], before, after, value);
  }

  /** Returns x with a value around its last axes. */
  static Tensor padded(Tensor x, int[] before, int[] after, double value) {
    int first = x.ndim() - before.length;
    if (first < 0) {
      throw new IllegalArgumentException(
          "pads: expected those of at most %s axes, got %s".formatted(x.ndim(), before.length));
    }
    Tensor wide = x;
    for (int i = 0; i < before.length; i++) {
      if (before[i] > 0 || after[i] > 0) {
        Tensor low = filled(wide, first + i, before[i], value);
        Tensor high = filled(wide, first + i, after[i], value);
        Tensor[] parts =
            before[i] == 0
                ? new Tensor[] {wide, high}
                : after[i] == 0 ? new Tensor[] {low, wide} : new Tensor[] {low, wide, high};
        wide = Tensors.concatenate(first + i, parts);
      }
    }
    return wide;
  }

  private static Tensor filled(Tensor like, int axis, int size, double value) {
    int[] shape = like.shape();
    shape[axis] = size;
    return Tensors.full(like.dtype(), value, shape).asConstant();
  }

  static OnnxNetwork.Function slice(NodeArguments node) throws FileFormatException {
    boolean told = node.opset() < 10;
    long[] starts = told ? node.integers("starts") : node.fixedIntegers(1);
    long[] ends = told ? node.integers("ends") : node.fixedIntegers(2);
    int count = starts == null ? 0 : starts.length;
    long[] axes = told ? node.integers("axes") : node.hasInput(3) ? node.fixedIntegers(3) : null;
    axes = axes == null ? IntStream.range(0, count).asLongStream().toArray() : axes;
    long[] steps = !told && node.hasInput(4) ? node.fixedIntegers(4) : ones(count);
    if (starts == null
        || ends == null
        || ends.length != count
        || axes.length != count
        || steps.length != count) {
      throw node.problem("expected as many starts, ends, axes and steps");
    }
    Index.Range[] ranges = new Index.Range[count];
    for (int i = 0; i < count; i++) {
      ranges[i] = new Index.Range(cut(starts[i]), cut(ends[i]), cut(steps[i]));
    }
    int[] along = ints(axes);
    node.take(0);
    return (in, mode) -> {
      Index[] indices = new Index[in[0].ndim()];
      Arrays.fill(indices, Index.all());
      for (int i = 0; i < along.length; i++) {
        int axis = along[i] < 0 ? along[i] + indices.length : along[i];
        if (axis < 0 || axis >= indices.length) {
          throw new IllegalArgumentException("axes: %s is out of range".formatted(along[i]));
        }
        indices[axis] = ranges[i];
      }
      return in[0].slice(indices);
    };
  }

  private static long[] ones(int count) {
    long[] ones = new long[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  /** Returns axes: an attribute before version 13, an input from then on. */
  private static int @Nullable [] axes(NodeArguments node) throws FileFormatException {
    long[] axes =
        node.opset() < 13 ? node.integers("axes") : node.hasInput(1) ? node.fixedIntegers(1) : null;
    return axes == null ? null : ints(axes);
  }

  static OnnxNetwork.Function squeeze(NodeArguments node) throws FileFormatException {
    int[] axes = axes(node);
    node.take(0);
    return (in, mode) -> axes == null ? in[0].squeeze() : in[0].squeeze(axes);
  }

  static OnnxNetwork.Function unsqueeze(NodeArguments node) throws FileFormatException {
    int[] axes = axes(node);
    if (axes == null) {
      throw node.problem("has no axes");
    }
    node.take(0);
    return (in, mode) -> in[0].expandDims(axes);
  }

  static OnnxNetwork.Function transpose(NodeArguments node) throws FileFormatException {
    long[] order = node.integers("perm");
    int[] axes = order == null ? new int[0] : ints(order);
    node.take(0);
    return (in, mode) -> in[0].transpose(axes);
  }
}
