package io.github.jbatchnorm.site;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** The library's Javadoc: what its module exports. A warning is an error. */
final class Javadoc {
  private Javadoc() {}

  static void write(Path root, Path out) throws IOException {
    Path libraries = root.resolve("target/cli/lib");
    if (!Files.isDirectory(libraries)) {
      throw new NoSuchFileException(
          libraries.toString(), null, "build the library first: mvn -q -DskipTests package");
    }
    String sources =
        root.resolve("src/main/java") + ":" + root.resolve("target/generated-sources/javacpp");
    StringWriter said = new StringWriter();
    int status =
        ToolProvider.findFirst("javadoc")
            .orElseThrow(() -> new IllegalStateException("this Java has no javadoc"))
            .run(
                new PrintWriter(said),
                new PrintWriter(said),
                "-quiet",
                "-Werror",
                "-Xdoclint:all",
                "-Xmaxwarns",
                "1000",
                "-notimestamp",
                "--release",
                "17",
                "--module",
                "io.github.jbatchnorm",
                "--module-path",
                libraries.toString(),
                "--module-source-path",
                "io.github.jbatchnorm=" + sources,
                "-nohelp",
                "-notree",
                "-windowtitle",
                "jbatchnorm",
                "-bottom",
                "<a href=\"{@docRoot}/../index.html\">jbatchnorm</a>",
                "-d",
                out.toString());
    if (status != 0) {
      throw new IllegalStateException("javadoc:\n" + said);
    }
    complete(out);
  }

  /** The style sheet asks for fonts that not every JDK has; the pages have no icon. */
  private static void complete(Path out) throws IOException {
    Path style = out.resolve("stylesheet.css");
    Files.writeString(style, Files.readString(style).replaceAll("@import url\\([^)]*\\);", ""));
    try (Stream<Path> files = Files.walk(out)) {
      for (Path page : files.filter(file -> file.toString().endsWith(".html")).toList()) {
        String top = "../".repeat(out.relativize(page).getNameCount());
        String icon = "<head>\n<link rel=\"icon\" href=\"%sicon.svg\">".formatted(top);
        Files.writeString(page, Files.readString(page).replaceFirst("<head>", icon));
      }
    }
  }
}
