package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.memory.DType;
import java.util.List;
import java.util.Map;

/**
 * Group and instance norm of channels last: a batch norm of (positions of all samples, groups,
 * channels of a group) in which each sample is a slice with statistics of its own. In ONNX the
 * groups come before the positions.
 */
final class ExportLastParts {
  private final ExportContext context;
  private final GraphBuilder graph;
  private final Trace.Step step;
  private final String name;

  ExportLastParts(ExportContext context, Trace.Step step) {
    this.context = context;
    this.graph = context.graph();
    this.step = step;
    this.name = context.name(step);
  }

  void write() {
    int[] shape = step.input(0).shape();
    int[] other = context.twin(step).input(0).shape();
    int positions = other[0] - shape[0];
    boolean bySample =
        step.told("groups", Integer.class) == Trace.SAMPLES
            && context.twin(step).told("groups", Integer.class) == Trace.SAMPLES + 1
            && step.told("roles", String.class).equals("X")
            && step.told("layout", String.class).equals("NCHW")
            && shape.length == 3
            && positions > 0
            && shape[0] == Trace.SAMPLES * positions;
    if (!bySample) {
      throw context.cannot(step, "slices of the batch have statistics of their own");
    }
    int groups = shape[1];
    int each = shape[2];
    DType dtype = step.input(0).dtype().parameters();
    String x = reshaped(context.value(step, 0), -1, positions, groups, each);
    String y =
        graph.node(
            name + ".InstanceNormalization",
            "InstanceNormalization",
            List.of(
                reshaped(turned(x), -1, groups, (long) positions * each),
                graph.filled(name + ".ones", dtype, 1, groups),
                graph.filled(name + ".zeros", dtype, 0, groups)),
            Map.of("epsilon", (float) step.number("eps")));
    String last = turned(reshaped(y, -1, groups, positions, each));
    context.tail(step, step.number("slope"), reshaped(last, -1, groups, each));
  }

  private String reshaped(String value, long... shape) {
    String sizes = graph.integers(name + ".shape", shape);
    return graph.node(name + ".Reshape", "Reshape", List.of(value, sizes), Map.of());
  }

  private String turned(String value) {
    return graph.node(
        name + ".Transpose", "Transpose", List.of(value), Map.of("perm", new long[] {0, 2, 1, 3}));
  }
}
