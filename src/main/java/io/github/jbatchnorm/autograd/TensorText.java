package io.github.jbatchnorm.autograd;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The text of a tensor: dtype, shape and the first elements. */
final class TensorText {
  private static final int SHOWN = 6;

  private TensorText() {}

  static String of(Tensor x) {
    String elements =
        IntStream.range(0, Math.min(SHOWN, x.size()))
            .mapToObj(i -> String.format(Locale.ROOT, "%.6g", x.storage().get(i)))
            .collect(Collectors.joining(", "));
    return "Tensor(%s%s%s: %s%s)"
        .formatted(
            x.dtype(),
            Shapes.text(x.shape()),
            x.isConstant() ? " constant" : "",
            elements,
            x.size() > SHOWN ? ", ..." : "");
  }
}
