package io.github.jbatchnorm.site;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Where a file of the repository lies on the site. */
final class Addresses {
  private Addresses() {}

  static boolean isDocument(Path source) {
    return source.toString().endsWith(".md");
  }

  static boolean isPicture(Path source) {
    return source.toString().matches(".*\\.(svg|png)");
  }

  /** Returns the path on the site of a path in the repository. */
  static Path of(Path root, Path source) {
    String path = source.toString();
    if (path.equals("README.md")) {
      return Path.of("index.html");
    }
    if (path.equals("api") || Files.isDirectory(root.resolve(source))) {
      return source.resolve("index.html");
    }
    if (isDocument(source)) {
      return Path.of(path.substring(0, path.length() - ".md".length()) + ".html");
    }
    return isPicture(source) ? source : Path.of(path + ".html");
  }

  /** Returns the link from the page of one source to that of another. */
  static String relative(Path root, Path from, Path to) {
    Path folder = Objects.requireNonNullElse(of(root, from).getParent(), Path.of(""));
    return folder.relativize(of(root, to)).toString();
  }

  /** Returns the link from a page to the site's own folder: empty, or with a slash at its end. */
  static String toTop(Path root, Path from) {
    return "../".repeat(of(root, from).getNameCount() - 1);
  }
}
