package io.github.jbatchnorm.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A flowchart in Mermaid's notation, of arrows alone, as a picture, drawn by Graphviz. */
final class Diagram {
  private static final String HEAD =
      "digraph { bgcolor=transparent; node [shape=box, style=rounded, fontsize=16];\n";
  private static final Pattern ARROW = Pattern.compile("\\s*([\\w.]+)\\s*-->\\s*([\\w.]+)\\s*");

  private Diagram() {}

  /** Returns the chart as an SVG to stand in a page. */
  static String svg(String mermaid) {
    StringBuilder dot = new StringBuilder(HEAD);
    for (String line : mermaid.lines().skip(1).toList()) {
      Matcher arrow = ARROW.matcher(line);
      if (!arrow.matches()) {
        throw new IllegalStateException("expected a line like a --> b in a diagram, got " + line);
      }
      dot.append("\"%s\" -> \"%s\";\n".formatted(arrow.group(1), arrow.group(2)));
    }
    String svg = draw(dot.append("}\n").toString());
    return "<div class=\"wide diagram\">" + svg.substring(svg.indexOf("<svg")) + "</div>";
  }

  private static String draw(String dot) {
    try {
      Process process = new ProcessBuilder("dot", "-Tsvg").start();
      try (var in = process.getOutputStream()) {
        in.write(dot.getBytes(StandardCharsets.UTF_8));
      }
      String svg = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException("dot: " + error);
      }
      return svg;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("dot: interrupted", e);
    }
  }
}
