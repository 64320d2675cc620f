package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The operations that arrange elements anew, whatever the number of samples. */
final class ExportShapes {
  private final ExportContext context;
  private final GraphBuilder graph;

  ExportShapes(ExportContext context) {
    this.context = context;
    this.graph = context.graph();
  }

  /** Zeros at an end are padding, however many samples they are for. */
  void concatenate(Trace.Step step) {
    int axis = step.told("axis", Integer.class);
    int count = step.inputs().size();
    boolean zerosLast = count == 2 && isZeros(step, 1) && !isZeros(step, 0);
    if (!zerosLast) {
      List<String> inputs = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        inputs.add(context.value(step, i));
      }
      context.node(step, "Concat", inputs, Map.of("axis", (long) axis));
      return;
    }
    int ndim = step.output().ndim();
    long[] pads = new long[2 * ndim];
    pads[ndim + axis] = step.input(1).dim(axis);
    context.node(
        step,
        "Pad",
        List.of(context.value(step, 0), graph.integers(context.name(step) + ".pads", pads)),
        Map.of());
  }

  private boolean isZeros(Trace.Step step, int input) {
    Tensor tensor = step.input(input);
    return context.step(tensor) == null
        && context.stateName(tensor) == null
        && tensor.isConstant()
        && IntStream.range(0, tensor.size()).allMatch(i -> tensor.storage().get(i) == 0);
  }

  void broadcast(Trace.Step step) {
    int[] from = step.input(0).shape();
    int[] to = step.output().shape();
    int[] other = context.twin(step).output().shape();
    long[] sizes = new long[to.length];
    for (int axis = 0; axis < to.length; axis++) {
      int before = axis - (to.length - from.length);
      boolean stays = before >= 0 && from[before] == to[axis];
      if (!stays && to[axis] != other[axis]) {
        throw context.cannot(step, "it repeats something for each sample");
      }
      sizes[axis] = stays ? 1 : to[axis];
    }
    context.node(
        step,
        "Expand",
        List.of(context.value(step, 0), graph.integers(context.name(step) + ".shape", sizes)),
        Map.of());
  }

  void reshape(Trace.Step step) {
    Trace.Step twin = context.twin(step);
    int[] to = step.output().shape();
    List<Long> open = context.shape(step.output(), twin.output());
    long[] sizes = open.stream().mapToLong(Long::longValue).toArray();
    boolean keepsSamples =
        to.length > 0
            && to[0] == step.input(0).dim(0)
            && twin.output().dim(0) == twin.input(0).dim(0);
    boolean flat = keepsSamples && to.length == 2 && step.input(0).ndim() > 2;
    if (flat && sizes[0] == OnnxFile.ANY && sizes[1] != OnnxFile.ANY) {
      context.node(step, "Flatten", List.of(context.value(step, 0)), Map.of("axis", 1L));
      return;
    }
    if (countOpen(sizes) > 1 && keepsSamples) {
      sizes[0] = 0; // as it is
    }
    if (countOpen(sizes) > 1) {
      throw context.cannot(step, "several axes depend on the number of samples");
    }
    context.node(
        step,
        "Reshape",
        List.of(context.value(step, 0), graph.integers(context.name(step) + ".shape", sizes)),
        Map.of());
  }

  private static long countOpen(long... sizes) {
    return Arrays.stream(sizes).filter(size -> size == OnnxFile.ANY).count();
  }

  /** Where elements lie in memory tells where they begin along each axis, and the steps. */
  void slice(Trace.Step step) {
    int[] shape = step.input(0).shape();
    int[] strides = step.numbers("strides");
    int n = shape.length;
    if (strides.length != n) {
      throw context.cannot(step, "it takes axes away or adds some: reshape after it instead");
    }
    long[] starts = new long[n];
    long[] ends = new long[n];
    long[] steps = new long[n];
    int rest = step.told("from", Integer.class);
    int stride = step.input(0).size();
    for (int axis = 0; axis < n; axis++) {
      stride /= Math.max(shape[axis], 1);
      starts[axis] = rest / stride;
      rest %= stride;
      long size = Math.max(1, Math.abs(strides[axis] / stride));
      steps[axis] = strides[axis] < 0 ? -size : size;
      ends[axis] = starts[axis] + steps[axis] * step.output().dim(axis);
      boolean all = starts[axis] == 0 && steps[axis] > 0 && ends[axis] >= shape[axis];
      ends[axis] = all ? Integer.MAX_VALUE : ends[axis] < 0 ? -Integer.MAX_VALUE : ends[axis];
    }
    String name = context.name(step);
    context.node(
        step,
        "Slice",
        List.of(
            context.value(step, 0),
            graph.integers(name + ".starts", starts),
            graph.integers(name + ".ends", ends),
            graph.integers(name + ".axes", IntStream.range(0, n).asLongStream().toArray()),
            graph.integers(name + ".steps", steps)),
        Map.of());
  }
}
