package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The operations that are each one of ONNX's, or a few. */
final class ExportOperators {
  /** Elementwise ones without options, by our names. */
  static final Map<String, String> PLAIN =
      Map.ofEntries(
          Map.entry("Abs", "Abs"),
          Map.entry("Add", "Add"),
          Map.entry("ArcCos", "Acos"),
          Map.entry("ArcCosh", "Acosh"),
          Map.entry("ArcSin", "Asin"),
          Map.entry("ArcSinh", "Asinh"),
          Map.entry("ArcTan", "Atan"),
          Map.entry("ArcTanh", "Atanh"),
          Map.entry("Cos", "Cos"),
          Map.entry("Divide", "Div"),
          Map.entry("Exp", "Exp"),
          Map.entry("Log", "Log"),
          Map.entry("Maximum", "Max"),
          Map.entry("Minimum", "Min"),
          Map.entry("Multiply", "Mul"),
          Map.entry("Negate", "Neg"),
          Map.entry("Power", "Pow"),
          Map.entry("Relu", "Relu"),
          Map.entry("Sigmoid", "Sigmoid"),
          Map.entry("Sin", "Sin"),
          Map.entry("Sqrt", "Sqrt"),
          Map.entry("Subtract", "Sub"),
          Map.entry("Tanh", "Tanh"));

  private final ExportContext context;
  private final GraphBuilder graph;
  private final ExportShapes shapes;

  ExportOperators(ExportContext context) {
    this.context = context;
    this.shapes = new ExportShapes(context);
    this.graph = context.graph();
  }

  static long[] longs(int... values) {
    return Arrays.stream(values).asLongStream().toArray();
  }

  void write(Trace.Step step) {
    String plain = PLAIN.get(step.name());
    if (plain != null) {
      context.node(step, plain, sameTypes(step), Map.of());
      return;
    }
    switch (step.name()) {
      case "BatchNorm" -> new ExportBatchNorm(context, step).write();
      case "BroadcastTo" -> shapes.broadcast(step);
      case "Cast" -> cast(step);
      case "Clip" -> clip(step);
      case "Concatenate" -> shapes.concatenate(step);
      case "Conv" -> conv(step);
      case "ConvInputGradient" -> new ExportConvTranspose(context, step).write(step, List.of());
      case "Elu" -> unary(step, "Elu", Map.of("alpha", (float) step.number("alpha")));
      case "LeakyRelu" -> unary(step, "LeakyRelu", Map.of("alpha", (float) step.number("slope")));
      case "LogSoftmax" -> unary(step, "LogSoftmax", Map.of("axis", -1L));
      case "Lookup" ->
          context.node(
              step,
              "Gather",
              List.of(context.value(step, 0), context.indices(step)),
              Map.of("axis", 0L));
      case "MatMul" -> matMul(step);
      case "MaxPool" -> maxPool(step);
      case "Reshape" -> shapes.reshape(step);
      case "Slice" -> shapes.slice(step);
      case "Square" ->
          context.node(
              step, "Mul", List.of(context.value(step, 0), context.value(step, 0)), Map.of());
      case "Sum" -> sum(step);
      case "Transpose" -> unary(step, "Transpose", Map.of("perm", longs(step.numbers("axes"))));
      default ->
          throw context.cannot(step, "there is no operator of ONNX for " + step.name() + " here");
    }
  }

  private void unary(Trace.Step step, String operator, Map<String, Object> attributes) {
    context.node(step, operator, List.of(context.value(step, 0)), attributes);
  }

  /** Returns the inputs in the output's dtype, as ONNX wants them. */
  private List<String> sameTypes(Trace.Step step) {
    List<String> names = new ArrayList<>();
    DType dtype = step.output().dtype();
    for (int i = 0; i < step.inputs().size(); i++) {
      String name = context.value(step, i);
      boolean same = step.input(i).dtype() == dtype;
      names.add(same ? name : graph.node(name + ".Cast", "Cast", List.of(name), to(dtype)));
    }
    return names;
  }

  private static Map<String, Object> to(DType dtype) {
    return Map.of("to", (long) ElementType.of(dtype));
  }

  private void cast(Trace.Step step) {
    unary(step, "Cast", to(step.output().dtype()));
  }

  private void clip(Trace.Step step) {
    DType dtype = step.output().dtype();
    String low = graph.filled(context.name(step) + ".min", dtype, step.number("low"));
    String high = graph.filled(context.name(step) + ".max", dtype, step.number("high"));
    context.node(step, "Clip", List.of(context.value(step, 0), low, high), Map.of());
  }

  private void conv(Trace.Step step) {
    int[] padding = step.numbers("padding");
    long[] pads = new long[2 * padding.length];
    for (int i = 0; i < pads.length; i++) {
      pads[i] = padding[i % padding.length];
    }
    List<String> inputs = new ArrayList<>(List.of(context.value(step, 0)));
    for (int i = 1; i < step.inputs().size(); i++) {
      inputs.add(context.value(step, i));
    }
    int[] filters = step.input(1).shape();
    String name =
        graph.node(
            context.name(step) + (step.number("slope") == 1 ? "" : ".Conv"),
            "Conv",
            inputs,
            Map.of(
                "kernel_shape", longs(Arrays.copyOfRange(filters, 2, filters.length)),
                "strides", longs(step.numbers("stride")),
                "pads", pads,
                "dilations", longs(step.numbers("dilation")),
                "group", (long) step.told("groups", Integer.class)));
    context.tail(step, step.number("slope"), name);
  }

  private void maxPool(Trace.Step step) {
    int[] window = step.numbers("window");
    if (window.length != step.output().ndim() - 2) {
      throw context.cannot(
          step, "ONNX pools all axes after the second, this one %s".formatted(window.length));
    }
    unary(
        step,
        "MaxPool",
        Map.of("kernel_shape", longs(window), "strides", longs(step.numbers("stride"))));
  }

  private void matMul(Trace.Step step) {
    List<String> sides = List.of(context.value(step, 0), context.value(step, 1));
    if (step.output().ndim() == 2) {
      boolean turned = step.told("transA", Boolean.class) || step.told("transB", Boolean.class);
      context.node(
          step,
          turned ? "Gemm" : "MatMul",
          sides,
          turned ? ExportPatterns.transposed(step) : Map.of());
      return;
    }
    String a = turned(step, 0, sides.get(0), step.told("transA", Boolean.class));
    String b = turned(step, 1, sides.get(1), step.told("transB", Boolean.class));
    context.node(step, "MatMul", List.of(a, b), Map.of());
  }

  private String turned(Trace.Step step, int input, String name, boolean turn) {
    if (!turn) {
      return name;
    }
    long[] order = IntStream.range(0, step.input(input).ndim()).asLongStream().toArray();
    order[order.length - 1]--;
    order[order.length - 2]++;
    return graph.node(name + ".Transpose", "Transpose", List.of(name), Map.of("perm", order));
  }

  private void sum(Trace.Step step) {
    String axes = graph.integers(context.name(step) + ".axes", longs(step.numbers("axes")));
    boolean keeps = step.told("keepDims", Boolean.class);
    if (step.numbers("axes").length == 0) {
      unary(step, "Identity", Map.of());
      return;
    }
    context.node(
        step,
        "ReduceSum",
        List.of(context.value(step, 0), axes),
        Map.of("keepdims", keeps ? 1L : 0L));
  }
}
