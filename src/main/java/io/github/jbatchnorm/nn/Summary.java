package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The table of a model's layers: output shape and parameters of each, and the totals. */
final class Summary {
  private static final double KILO = 1000;

  private record Row(String layer, String output, String parameters) {}

  private final @Nullable OutputShapes shapes;
  private final List<Row> rows = new ArrayList<>();

  /** How often a layer has come, and the path at which it came first. */
  private final IdentityHashMap<Layer, Integer> calls = new IdentityHashMap<>();

  private final IdentityHashMap<Layer, String> firstAt = new IdentityHashMap<>();
  private final IdentityHashMap<Tensor, Boolean> counted = new IdentityHashMap<>();

  private Summary(@Nullable OutputShapes shapes) {
    this.shapes = shapes;
  }

  /** Returns the table; without the column of shapes where they are null. */
  static String of(Layer model, @Nullable OutputShapes shapes) {
    Summary summary = new Summary(shapes);
    summary.rows.add(new Row("layer", "output shape", "parameters"));
    summary.add("", "", "", model);
    return summary.table() + total(model);
  }

  private void add(String indent, String path, String name, Layer layer) {
    String before = firstAt.putIfAbsent(layer, path);
    int call = calls.merge(layer, 1, Integer::sum) - 1;
    rows.add(
        new Row(
            indent + (name.isEmpty() ? "" : name + ": ") + LayerText.type(layer),
            output(layer, call),
            before == null ? own(layer) : "as " + before));
    if (before == null) {
      layer
          .children()
          .forEach(
              (inner, child) ->
                  add(indent + "  ", path.isEmpty() ? inner : path + "." + inner, inner, child));
    }
  }

  private String output(Layer layer, int call) {
    int[] shape = shapes == null ? null : shapes.of(layer, call);
    return shape == null
        ? ""
        : Arrays.stream(shape)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(", ", "(", ")"));
  }

  /** Returns the number of a layer's parameters that are neither its children's nor counted yet. */
  private String own(Layer layer) {
    IdentityHashMap<Tensor, Boolean> inner = new IdentityHashMap<>();
    for (Layer child : layer.children().values()) {
      for (Tensor tensor : child.parameters().values()) {
        inner.put(tensor, true);
      }
    }
    long own = 0;
    for (Tensor tensor : layer.parameters().values()) {
      if (!inner.containsKey(tensor) && counted.put(tensor, true) == null) {
        own += tensor.size();
      }
    }
    return own == 0 ? "" : number(own);
  }

  private static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private String table() {
    int layer = width(rows.stream().map(Row::layer).toList());
    int output = width(rows.stream().map(Row::output).toList());
    int parameters = width(rows.stream().map(Row::parameters).toList());
    String format =
        "%-"
            + layer
            + "s  "
            + (shapes == null ? "" : "%-" + output + "s  ")
            + "%"
            + parameters
            + "s";
    List<String> lines = new ArrayList<>();
    for (Row row : rows) {
      lines.add(
          (shapes == null
                  ? String.format(Locale.ROOT, format, row.layer, row.parameters)
                  : String.format(Locale.ROOT, format, row.layer, row.output, row.parameters))
              .stripTrailing());
    }
    String rule = "-".repeat(lines.get(0).length());
    lines.add(1, rule);
    lines.add(rule);
    return String.join("\n", lines) + "\n";
  }

  private static int width(List<String> texts) {
    return texts.stream().mapToInt(String::length).max().orElse(0);
  }

  private static String total(Layer model) {
    long trained = 0;
    long other = 0;
    long bytes = 0;
    for (State.Entry entry : State.of(model::visit)) {
      Tensor tensor = entry.tensor();
      if (tensor != null) {
        trained += entry.trained() ? tensor.size() : 0;
        other += entry.trained() ? 0 : tensor.size();
        bytes += (long) tensor.size() * tensor.dtype().bytes();
      }
    }
    return String.format(
        Locale.ROOT, "%,d parameters, %,d statistics, %,.1f KB", trained, other, bytes / KILO);
  }
}
