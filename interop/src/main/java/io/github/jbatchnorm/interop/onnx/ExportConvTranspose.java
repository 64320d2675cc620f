package io.github.jbatchnorm.interop.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A convolution's gradient for its input, which is a transposed convolution. */
final class ExportConvTranspose {
  private final ExportContext context;
  private final Trace.Step step;

  ExportConvTranspose(ExportContext context, Trace.Step step) {
    this.context = context;
    this.step = step;
  }

  /** Adds the node for a step, this one or the one that adds the bias. */
  void write(Trace.Step last, List<String> bias) {
    List<String> inputs = new ArrayList<>(List.of(context.value(step, 0), context.value(step, 1)));
    inputs.addAll(bias);
    int[] filters = step.input(1).shape();
    int[] kernel = Arrays.copyOfRange(filters, 2, filters.length);
    int[] padding = step.numbers("padding");
    long[] pads = new long[2 * padding.length];
    for (int i = 0; i < pads.length; i++) {
      pads[i] = padding[i % padding.length];
    }
    context.node(
        last,
        "ConvTranspose",
        inputs,
        Map.of(
            "kernel_shape", ExportOperators.longs(kernel),
            "strides", ExportOperators.longs(step.numbers("stride")),
            "pads", pads,
            "dilations", ExportOperators.longs(step.numbers("dilation")),
            "output_padding", outputPadding(kernel),
            "group", (long) step.told("groups", Integer.class)));
  }

  /** Returns how much larger y is than what stride, padding and dilation make of x. */
  private long[] outputPadding(int... kernel) {
    long[] more = new long[kernel.length];
    for (int i = 0; i < kernel.length; i++) {
      long least =
          (step.input(0).dim(i + 2) - 1L) * step.numbers("stride")[i]
              - 2L * step.numbers("padding")[i]
              + step.numbers("dilation")[i] * (kernel[i] - 1L)
              + 1;
      more[i] = step.output().dim(i + 2) - least;
    }
    return more;
  }
}
