package io.github.jbatchnorm.site;

import java.nio.file.Path;
import java.util.stream.Collectors;

/** What all pages look like. */
final class Template {
  private static final String PAGE =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'self'">
      <title>%s</title>
      <link rel="icon" href="%sicon.svg">
      <link rel="stylesheet" href="%sstyle.css">
      </head>
      <body>
      <header><a class="name" href="%sindex.html">jbatchnorm</a>\
      <details class="menu"><summary>Menu</summary>%s</details></header>
      <div class="columns">
      <nav class="side" aria-label="pages">%s</nav>
      <main>
      %s%s</main>
      </div>
      <footer>jbatchnorm, Apache License 2.0</footer>
      </body>
      </html>
      """;

  private Template() {}

  static String page(Path root, Path source, Content content) {
    String top = Addresses.toTop(root, source);
    String menu = menu(root, source);
    String title =
        source.toString().equals("README.md")
            ? "jbatchnorm: batch normalization for the JVM"
            : content.title() + " - jbatchnorm";
    return PAGE.formatted(
        Highlight.escape(title), top, top, top, menu, menu, sections(content), content.html());
  }

  private static String menu(Path root, Path source) {
    return Menu.ENTRIES.stream()
        .map(
            entry -> {
              Path target = Path.of(entry.source());
              boolean here = target.equals(source);
              return "<li><a%s href=\"%s\">%s</a></li>"
                  .formatted(
                      here ? " aria-current=\"page\"" : "",
                      Addresses.relative(root, source, target),
                      Highlight.escape(entry.label()));
            })
        .collect(Collectors.joining("", "<ul>", "</ul>"));
  }

  private static String sections(Content content) {
    if (content.headings().size() < 3) {
      return "";
    }
    return content.headings().stream()
        .map(
            heading ->
                "<li><a href=\"#%s\">%s</a></li>"
                    .formatted(heading.id(), Highlight.escape(heading.text())))
        .collect(
            Collectors.joining(
                "", "<nav class=\"sections\" aria-label=\"sections\"><ul>", "</ul></nav>\n"));
  }
}
