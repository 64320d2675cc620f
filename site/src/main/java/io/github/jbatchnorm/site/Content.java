package io.github.jbatchnorm.site;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * What a page shows.
 *
 * @param title of the page
 * @param html the body
 * @param headings the sections
 * @param links the files of the repository that the body has links to
 */
record Content(String title, String html, List<Heading> headings, List<Path> links) {
  /**
   * A section.
   *
   * @param id its anchor
   * @param text its title
   */
  record Heading(String id, String text) {}

  /** Returns a source file as it is. */
  static Content ofSource(Path source, String text) {
    String name = Objects.requireNonNull(source.getFileName()).toString();
    String language = name.substring(name.lastIndexOf('.') + 1);
    String html =
        "<h1>%s</h1>\n<pre><code>%s</code></pre>\n"
            .formatted(Highlight.escape(source.toString()), Highlight.html(language, text));
    return new Content(name, html, List.of(), List.of());
  }
}
