package io.github.jbatchnorm.site;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Builds the site: from README.md on, every document, source file and folder of the repository that
 * a page has a link to becomes a page itself; pictures are copied; the Javadoc lies in api.
 */
public final class Site {
  private static final List<String> RESOURCES = List.of("style.css", "icon.svg");

  private final Path root;
  private final Path out;
  private final Queue<Path> waiting = new ArrayDeque<>();
  private final Set<Path> seen = new HashSet<>();

  private Site(Path root, Path out) {
    this.root = root;
    this.out = out;
  }

  /**
   * Builds the site.
   *
   * @param args the repository's root, where the library is built, and the folder to write to,
   *     which is emptied
   * @throws IOException if a file cannot be read or written, or a link leads nowhere
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      throw new IllegalArgumentException("expected the repository and the folder to write to");
    }
    Path root = Path.of(args[0]).toRealPath();
    Path out = Path.of(args[1]).toAbsolutePath();
    new Site(root, out).build();
  }

  private void build() throws IOException {
    empty(out);
    Javadoc.write(root, out.resolve("api"));
    for (String name : RESOURCES) {
      try (InputStream in = Objects.requireNonNull(Site.class.getResourceAsStream(name), name)) {
        Files.copy(in, out.resolve(name));
      }
    }
    add(Path.of("README.md"));
    for (Menu.Entry entry : Menu.ENTRIES) {
      if (!entry.isJavadoc()) {
        add(Path.of(entry.source()));
      }
    }
    try (Stream<Path> documents = Files.walk(root.resolve("docs"))) {
      documents.map(root::relativize).filter(Addresses::isDocument).sorted().forEach(this::add);
    }
    while (!waiting.isEmpty()) {
      write(waiting.remove());
    }
  }

  private void add(Path source) {
    if (seen.add(source)) {
      waiting.add(source);
    }
  }

  private void write(Path source) throws IOException {
    Path from = root.resolve(source);
    Path to = out.resolve(Addresses.of(root, source));
    Files.createDirectories(Objects.requireNonNull(to.getParent()));
    if (Addresses.isPicture(source)) {
      Files.copy(from, to);
      return;
    }
    Content content;
    if (Files.isDirectory(from)) {
      content = folder(source);
    } else if (Addresses.isDocument(source)) {
      content = new Document(root, source).read();
    } else {
      content = Content.ofSource(source, Files.readString(from));
    }
    content.links().forEach(this::add);
    Files.writeString(to, Template.page(root, source, content));
  }

  /** Returns a list of all files below a folder. */
  private Content folder(Path source) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(root.resolve(source))) {
      files = all.filter(Files::isRegularFile).map(root::relativize).sorted().toList();
    }
    String list =
        files.stream()
            .map(
                file ->
                    "<li><a href=\"%s\">%s</a></li>"
                        .formatted(Addresses.relative(root, source, file), source.relativize(file)))
            .collect(Collectors.joining("\n", "<ul>\n", "\n</ul>\n"));
    return new Content(source.toString(), "<h1>" + source + "</h1>\n" + list, List.of(), files);
  }

  private static void empty(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    Files.createDirectories(folder);
  }
}
