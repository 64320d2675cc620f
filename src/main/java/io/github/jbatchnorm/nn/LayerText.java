package io.github.jbatchnorm.nn;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What layers look like in a text. */
final class LayerText {
  private LayerText() {}

  /** Returns a type with what there is in brackets; null and empty parts are left out. */
  static String of(String type, @Nullable String... parts) {
    return Arrays.stream(parts)
        .filter(Objects::nonNull)
        .filter(part -> !part.isEmpty())
        .collect(Collectors.joining(", ", type + "(", ")"));
  }

  /** Returns {@code part} where it applies, else null. */
  static @Nullable String when(boolean applies, String part) {
    return applies ? part : null;
  }

  /** Returns layers by name, one a line, those inside them indented. */
  static String tree(String type, Map<String, Layer> layers) {
    if (layers.isEmpty()) {
      return type + "()";
    }
    StringBuilder text = new StringBuilder(type).append("(\n");
    layers.forEach((name, layer) -> text.append((name + ": " + of(layer)).indent(2)));
    return text.append(')').toString();
  }

  /** Returns what a layer says of itself; where it says nothing, its type and what is inside. */
  private static String of(Layer layer) {
    String own = layer.toString();
    String none =
        layer.getClass().getName() + "@" + Integer.toHexString(System.identityHashCode(layer));
    if (!own.equals(none)) {
      return own;
    }
    return layer.children().isEmpty() ? type(layer) : tree(type(layer), layer.children());
  }

  /** Returns the name of a layer's class, or "function" where it has none that says something. */
  static String type(Layer layer) {
    Class<?> type = layer.getClass();
    return type.isHidden() || type.isSynthetic() || type.isAnonymousClass()
        ? "function"
        : type.getSimpleName();
  }
}
