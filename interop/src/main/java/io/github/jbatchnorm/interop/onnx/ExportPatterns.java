package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Upsample;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Several operations that are one of ONNX's: a dense layer, a mean, average pooling, softmax. */
final class ExportPatterns {
  /** Writes the node for the last step. */
  private interface Writer {
    void write();
  }

  private final ExportContext context;
  private final IdentityHashMap<Trace.Step, Writer> last = new IdentityHashMap<>();
  private final Set<Trace.Step> absorbed = new HashSet<>();

  ExportPatterns(ExportContext context, List<Trace.Step> steps) {
    this.context = context;
    for (Trace.Step step : steps) {
      if (step.layer() instanceof Upsample upsample) {
        upsample(step, upsample);
        continue;
      }
      switch (step.name()) {
        case "Add" -> {
          gemm(step);
          convTranspose(step);
        }
        case "Exp" -> softmax(step);
        case "Divide" -> {
          mean(step);
          averagePool(step);
        }
        default -> {}
      }
    }
  }

  /** Returns whether a step is a part of something larger, which is written with the last one. */
  boolean write(Trace.Step step) {
    Writer writer = last.get(step);
    if (writer != null) {
      writer.write();
    }
    return writer != null || absorbed.contains(step);
  }

  /** Returns the step before, of a name and with no other use. */
  private Trace.@Nullable Step before(Trace.Step step, int input, String name) {
    Trace.Step before = context.step(step.input(input));
    return before != null && before.uses() == 1 && before.name().equals(name) ? before : null;
  }

  private void found(Trace.Step step, Writer writer, Trace.Step... parts) {
    last.put(step, writer);
    absorbed.addAll(Arrays.asList(parts));
  }

  private boolean isFixed(Tensor tensor) {
    return context.step(tensor) == null;
  }

  private void gemm(Trace.Step step) {
    Trace.Step product = before(step, 0, "MatMul");
    boolean matches =
        product != null
            && step.output().ndim() == 2
            && isFixed(product.input(1))
            && isFixed(step.input(1))
            && step.input(1).ndim() == 1
            && step.input(1).size() == step.output().dim(1)
            && step.input(1).dtype() == step.output().dtype();
    if (matches) {
      found(
          step,
          () ->
              context.node(
                  step,
                  "Gemm",
                  List.of(
                      context.value(product, 0), context.value(product, 1), context.value(step, 1)),
                  transposed(product)),
          product);
    }
  }

  /** A bias is reshaped to (O, 1, ...) before it is added. */
  private void convTranspose(Trace.Step step) {
    Trace.Step product = before(step, 0, "ConvInputGradient");
    Trace.Step bias = product == null ? null : before(step, 1, "Reshape");
    boolean matches =
        product != null
            && bias != null
            && isFixed(bias.input(0))
            && bias.input(0).ndim() == 1
            && bias.input(0).dtype() == step.output().dtype()
            && bias.output().ndim() == step.output().ndim() - 1
            && bias.input(0).size() == step.output().dim(1)
            && bias.output().dim(0) == step.output().dim(1);
    if (matches) {
      found(
          step,
          () ->
              new ExportConvTranspose(context, product)
                  .write(step, List.of(context.value(bias, 0))),
          product,
          bias);
    }
  }

  private void upsample(Trace.Step step, Upsample layer) {
    ExportUpsample upsample = new ExportUpsample(context, step, layer);
    if (upsample.matches()) {
      found(step, upsample::write, upsample.parts());
    }
  }

  static Map<String, Object> transposed(Trace.Step product) {
    long a = product.told("transA", Boolean.class) ? 1 : 0;
    long b = product.told("transB", Boolean.class) ? 1 : 0;
    return Map.of("transA", a, "transB", b);
  }

  private void softmax(Trace.Step step) {
    Trace.Step logarithm = before(step, 0, "LogSoftmax");
    if (logarithm != null) {
      found(
          step,
          () ->
              context.node(
                  step, "Softmax", List.of(context.value(logarithm, 0)), Map.of("axis", -1L)),
          logarithm);
    }
  }

  private static boolean divides(Trace.Step step, double by) {
    return step.input(1).size() == 1 && step.input(1).storage().get(0) == by;
  }

  private void mean(Trace.Step step) {
    Trace.Step sum = before(step, 0, "Sum");
    if (sum == null || !isCount(step, sum) || !isCount(context.twin(step), context.twin(sum))) {
      return;
    }
    int[] axes = sum.numbers("axes");
    boolean keeps = sum.told("keepDims", Boolean.class);
    boolean global =
        axes.length > 0 && Arrays.equals(axes, IntStream.range(2, sum.input(0).ndim()).toArray());
    found(step, () -> writeMean(step, sum, axes, keeps, global), sum);
  }

  private static boolean isCount(Trace.Step step, Trace.Step sum) {
    int count = 1;
    for (int axis : sum.numbers("axes")) {
      count *= sum.input(0).dim(axis);
    }
    return divides(step, count);
  }

  private void writeMean(
      Trace.Step step, Trace.Step sum, int[] axes, boolean keeps, boolean global) {
    List<String> x = List.of(context.value(sum, 0));
    if (!global) {
      context.node(
          step,
          "ReduceMean",
          x,
          Map.of("axes", ExportOperators.longs(axes), "keepdims", keeps ? 1L : 0L));
    } else if (keeps) {
      context.node(step, "GlobalAveragePool", x, Map.of());
    } else {
      String pooled =
          context
              .graph()
              .node(context.name(step) + ".GlobalAveragePool", "GlobalAveragePool", x, Map.of());
      context.node(step, "Flatten", List.of(pooled), Map.of("axis", 1L));
    }
  }

  /** Sums of windows are a convolution with ones over planes. */
  private void averagePool(Trace.Step step) {
    Trace.Step shaped = before(step, 0, "Reshape");
    Trace.Step sums = shaped == null ? null : before(shaped, 0, "Conv");
    Trace.Step planes = sums == null ? null : before(sums, 0, "Reshape");
    if (shaped == null || sums == null || planes == null || !isFixed(sums.input(1))) {
      return;
    }
    Tensor filters = sums.input(1);
    int[] window = Arrays.copyOfRange(filters.shape(), 2, filters.ndim());
    boolean matches =
        filters.dim(0) == 1
            && filters.dim(1) == 1
            && planes.input(0).ndim() == window.length + 2
            && planes.output().dim(1) == 1
            && Arrays.stream(sums.numbers("padding")).allMatch(p -> p == 0)
            && Arrays.stream(sums.numbers("dilation")).allMatch(d -> d == 1)
            && sums.number("slope") == 1
            && sums.inputs().size() == 2
            && divides(step, filters.size())
            && IntStream.range(0, filters.size()).allMatch(i -> filters.storage().get(i) == 1);
    if (matches) {
      found(
          step,
          () ->
              context.node(
                  step,
                  "AveragePool",
                  List.of(context.value(planes, 0)),
                  Map.of(
                      "kernel_shape", ExportOperators.longs(window),
                      "strides", ExportOperators.longs(sums.numbers("stride")))),
          shaped,
          sums,
          planes);
    }
  }
}
