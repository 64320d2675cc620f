package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The pictures in HACKING.md are the code's: each import of Java goes along the arrows, over other
 * rooms where need be, and each arrow is an import; the native rooms' arrows are their includes.
 */
final class ArchitectureTest {
  private static final Pattern PICTURE = Pattern.compile("```mermaid\n(.*?)```", Pattern.DOTALL);
  private static final Pattern ARROW = Pattern.compile("(?m)^ *([a-z.]+) --> ([a-z.]+)$");
  private static final Pattern IMPORT =
      Pattern.compile("(?m)^import (?:static )?io\\.github\\.jbatchnorm\\.([\\w.]+);$");
  private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"(\\w+)/.*\"$");
  private static final Path BASE = Path.of(System.getProperty("jbatchnorm.test.basedir"));

  /** Rooms and those that they know. */
  private record Graph(Map<String, Set<String>> arrows) {
    static Graph drawn(int picture) throws IOException {
      List<String> pictures =
          PICTURE
              .matcher(Files.readString(BASE.resolve("HACKING.md")))
              .results()
              .map(found -> found.group(1))
              .toList();
      assertThat(pictures).hasSize(2);
      Graph graph = new Graph(new TreeMap<>());
      ARROW
          .matcher(pictures.get(picture))
          .results()
          .forEach(arrow -> graph.add(arrow.group(1), arrow.group(2)));
      return graph;
    }

    void add(String from, String to) {
      arrows.computeIfAbsent(from, room -> new TreeSet<>());
      arrows.computeIfAbsent(to, room -> new TreeSet<>());
      if (!from.equals(to)) {
        arrows.get(from).add(to);
      }
    }

    /** Returns the room of a package or class: the longest name that it begins with. */
    String room(String name) {
      return arrows.keySet().stream()
          .filter(room -> (name + ".").startsWith(room + "."))
          .max(Comparator.comparingInt(String::length))
          .orElseThrow(() -> new AssertionError("HACKING.md's picture has no room for " + name));
    }

    boolean leads(String from, String to) {
      Set<String> seen = new TreeSet<>();
      Deque<String> next = new ArrayDeque<>(List.of(from));
      while (!next.isEmpty()) {
        for (String room : arrows.getOrDefault(next.pop(), Set.of())) {
          if (seen.add(room)) {
            next.push(room);
          }
        }
      }
      return seen.contains(to);
    }

    Set<String> texts() {
      return arrows.entrySet().stream()
          .flatMap(entry -> entry.getValue().stream().map(to -> entry.getKey() + " --> " + to))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  /** Adds the arrows of the files in a folder, between the picture's rooms. */
  private static void find(Graph found, Graph drawn, Path folder, Pattern reference)
      throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .filter(file -> file.toString().matches(".*\\.(java|cpp|hpp|h)"))
          .filter(file -> !file.getParent().equals(folder))
          .forEach(
              file -> {
                Path inside = folder.relativize(file.getParent());
                String from = drawn.room(inside.toString().replace('/', '.'));
                reference
                    .matcher(text(file))
                    .results()
                    .map(match -> match.group(1))
                    .filter(to -> !to.equals("jbatchnorm")) // the public header
                    .forEach(to -> found.add(from, drawn.room(to)));
              });
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void thePictureOfThePackagesIsTheirImports() throws IOException {
    Graph drawn = Graph.drawn(0);
    assertThat(drawn.arrows).isNotEmpty();
    for (String room : drawn.arrows.keySet()) {
      assertThat(drawn.leads(room, room)).as("%s lies on a circle", room).isFalse();
    }
    Graph found = new Graph(new TreeMap<>());
    for (String sources : List.of("src/main/java", "cli/src/main/java")) {
      find(found, drawn, BASE.resolve(sources).resolve("io/github/jbatchnorm"), IMPORT);
    }
    found.arrows.forEach(
        (from, all) -> {
          for (String to : all) {
            assertThat(drawn.leads(from, to)).as("an import %s --> %s", from, to).isTrue();
          }
        });
    assertThat(found.texts()).as("the picture's arrows").containsAll(drawn.texts());
  }

  @Test
  void thePictureOfTheNativeRoomsIsTheirIncludes() throws IOException {
    Graph drawn = Graph.drawn(1);
    Graph found = new Graph(new TreeMap<>());
    find(found, drawn, BASE.resolve("native/src"), INCLUDE);
    assertThat(found.texts()).isNotEmpty().isEqualTo(drawn.texts());
  }
}
