package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.InstanceNorm;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A batch norm as ONNX's, in either mode, with what is added and what follows in the same pass. */
final class ExportBatchNorm {
  private final ExportContext context;
  private final GraphBuilder graph;
  private final Trace.Step step;
  private final List<String> roles;
  private final String name;
  private final int channels;
  private final boolean last;

  ExportBatchNorm(ExportContext context, Trace.Step step) {
    this.context = context;
    this.graph = context.graph();
    this.step = step;
    this.roles = Arrays.asList(step.told("roles", String.class).split(" "));
    this.name = context.name(step);
    Tensor x = step.input(0);
    this.last = x.ndim() > 2 && step.told("layout", String.class).equals("NHWC");
    this.channels = x.dim(last ? -1 : 1);
  }

  void write() {
    if (step.told("weighted", Boolean.class)) {
      throw context.cannot(step, "it has a mask or weights of samples");
    }
    if (context.training() && tracksInstances()) {
      throw context.cannot(step, "ONNX has no instance norm with running statistics");
    }
    if (step.told("groups", Integer.class) > 1) {
      new ExportLastParts(context, step).write();
    } else if (isOfParts()) {
      writeParts();
    } else {
      writeChannels();
    }
  }

  private boolean tracksInstances() {
    return step.layer() instanceof InstanceNorm && roles.contains("MEAN");
  }

  private void writeChannels() {
    double slope = step.number("slope");
    boolean more = last || roles.contains("Z") || slope != 1;
    String x = last ? moved(context.value(step, 0), true) : context.value(step, 0);
    String y = graph.unique(more ? name + ".BatchNormalization" : name);
    List<String> inputs =
        List.of(x, channel("GAMMA", "weight", 1), channel("BETA", "bias", 0), mean(), variance());
    graph.add(y, "BatchNormalization", inputs, outputs(y), attributes());
    String result = last ? moved(y, false) : y;
    if (roles.contains("Z")) {
      String z = context.value(step, roles.indexOf("Z"));
      result = graph.node(name + (slope == 1 ? "" : ".Add"), "Add", List.of(result, z), Map.of());
    }
    context.tail(step, slope, result);
  }

  /** Whether channels are parts of samples, all in one sample: group, layer and instance norm. */
  private boolean isOfParts() {
    int[] shape = step.input(0).shape();
    int[] other = context.twin(step).input(0).shape();
    int each = other[1] - shape[1];
    return roles.equals(List.of("X"))
        && !last
        && shape.length == 3
        && shape[0] == 1
        && other[0] == 1
        && each > 0
        && shape[1] == Trace.SAMPLES * each;
  }

  private void writeParts() {
    int length = step.input(0).dim(2);
    int each = channels / Trace.SAMPLES;
    String x = reshaped(context.value(step, 0), -1, each, length);
    String y =
        graph.node(
            name + ".InstanceNormalization",
            "InstanceNormalization",
            List.of(
                x,
                graph.filled(name + ".ones", dtype(), 1, each),
                graph.filled(name + ".zeros", dtype(), 0, each)),
            Map.of("epsilon", (float) step.number("eps")));
    context.tail(step, step.number("slope"), reshaped(y, 1, -1, length));
  }

  private String reshaped(String value, long... shape) {
    String sizes = graph.integers(name + ".shape", shape);
    return graph.node(name + ".Reshape", "Reshape", List.of(value, sizes), Map.of());
  }

  private String moved(String value, boolean toSecond) {
    int n = step.input(0).ndim();
    long[] order =
        LongStream.range(0, n)
            .map(
                axis ->
                    axis == 0
                        ? 0
                        : toSecond
                            ? (axis == 1 ? n - 1 : axis - 1)
                            : (axis == n - 1 ? 1 : axis + 1))
            .toArray();
    return graph.node(name + ".Transpose", "Transpose", List.of(value), Map.of("perm", order));
  }

  private DType dtype() {
    return step.input(0).dtype().parameters();
  }

  private String channel(String role, String suffix, double missing) {
    int at = roles.indexOf(role);
    return at < 0
        ? graph.filled(name + "." + suffix, dtype(), missing, channels)
        : context.constant(step, at, channels);
  }

  private String mean() {
    return statistic("MEAN", "running_mean", 0, BatchNorm::runningMean, InstanceNorm::runningMean);
  }

  private String variance() {
    return statistic("VAR", "running_var", 1, BatchNorm::runningVar, InstanceNorm::runningVar);
  }

  /** Returns a layer's own statistic where there is one: evaluation is given a copy of it. */
  private String statistic(
      String role,
      String suffix,
      double missing,
      Function<BatchNorm, Tensor> ofBatchNorm,
      Function<InstanceNorm, @Nullable Tensor> ofInstanceNorm) {
    Tensor running = null;
    if (roles.contains(role) && step.layer() instanceof BatchNorm norm) {
      running = ofBatchNorm.apply(norm);
    } else if (roles.contains(role) && step.layer() instanceof InstanceNorm norm) {
      running = ofInstanceNorm.apply(norm);
    }
    if (running == null) {
      return channel(role, suffix, missing);
    }
    String known = context.stateName(running);
    return context.constant(running, known == null ? name + "." + suffix : known, channels);
  }

  /** Whether the batch's own statistics are taken: in training, and always where none are kept. */
  private boolean ofBatch() {
    return !roles.contains("MEAN") || moves();
  }

  private boolean moves() {
    return context.training() && roles.contains("MEAN") && ExportContext.batchNorm(step) != null;
  }

  private List<String> outputs(String y) {
    if (!ofBatch()) {
      return List.of(y);
    }
    List<String> all = new ArrayList<>(List.of(y));
    for (String statistic : List.of("running_mean", "running_var")) {
      String output = graph.unique(name + "." + statistic + ".next");
      all.add(output);
      if (moves()) {
        graph.output(output, dtype(), List.of((long) channels));
      }
    }
    return all;
  }

  private Map<String, Object> attributes() {
    float eps = (float) step.number("eps");
    if (!ofBatch()) {
      return Map.of("epsilon", eps);
    }
    return Map.of("epsilon", eps, "training_mode", 1L, "momentum", momentum());
  }

  private float momentum() {
    BatchNorm norm = ExportContext.batchNorm(step);
    if (norm == null || !moves()) {
      return 0.9f;
    }
    double weight =
        norm.newValueWeight()
            .orElseThrow(
                () ->
                    context.cannot(
                        step,
                        "its running statistics move otherwise than by a weight of the new value"));
    return BigDecimal.ONE.subtract(BigDecimal.valueOf(weight)).floatValue();
  }
}
