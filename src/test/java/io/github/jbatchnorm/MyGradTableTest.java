package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The table of MyGrad's names in docs/mygrad.md: every name of ours in it exists, every name of
 * MyGrad's has one or a reason, and the counts are those that it states.
 */
class MyGradTableTest {
  private static final Path PAGE =
      Path.of(System.getProperty("jbatchnorm.test.basedir"), "docs", "mygrad.md");
  private static final Pattern ROW = Pattern.compile("\\| `([\\w.]+)` \\| (.*?) ?\\| ?(.*?) ?\\|");
  private static final List<String> PACKAGES =
      Stream.concat(
              Stream.of("autograd", "nn", "nn.functional", "nn.io", "memory", "batchnorm")
                  .map(name -> "io.github.jbatchnorm." + name + "."),
              Stream.of("java.lang."))
          .toList();

  /** Those that MyGrad has: of each of its modules, as many as its lists have. */
  private static final Map<String, Integer> COUNTS = new LinkedHashMap<>();

  static {
    COUNTS.put("mygrad", 174);
    COUNTS.put("mygrad.Tensor", 78);
    COUNTS.put("mygrad.linalg", 2);
    COUNTS.put("mygrad.random", 8);
    COUNTS.put("mygrad.nnet.activations", 11);
    COUNTS.put("mygrad.nnet.initializers", 9);
    COUNTS.put("mygrad.nnet.layers", 4);
    COUNTS.put("mygrad.nnet.losses", 6);
    COUNTS.put("mygrad.operation_base", 7);
    COUNTS.put("mygrad.computational_graph", 1);
    COUNTS.put("mygrad.errors", 4);
    COUNTS.put("mygrad.typing", 7);
  }

  /** A name of MyGrad's, ours, and what there is to say. */
  private record Row(String name, List<String> ours, String note) {}

  private static final Map<String, List<Row>> TABLE = new LinkedHashMap<>();
  private static String page;

  @BeforeAll
  static void read() throws IOException {
    page = Files.readString(PAGE);
    String section = "";
    for (String line : page.substring(page.indexOf("## Every name")).lines().toList()) {
      Matcher row = ROW.matcher(line);
      if (line.startsWith("### ")) {
        section = line.substring(4);
        TABLE.put(section, new ArrayList<>());
      } else if (row.matches()) {
        List<String> ours =
            Arrays.stream(row.group(2).replace("`", "").split(" "))
                .filter(name -> !name.isEmpty())
                .toList();
        TABLE.get(section).add(new Row(row.group(1), ours, row.group(3)));
      } else {
        assertThat(line).as("a row of the table").doesNotStartWith("| `");
      }
    }
  }

  private static Stream<Row> rows() {
    return TABLE.values().stream().flatMap(List::stream);
  }

  @Test
  void everyNameOfMyGradIsThereOnce() {
    Map<String, Integer> found = new LinkedHashMap<>();
    TABLE.forEach(
        (section, rows) -> {
          Set<String> names = new HashSet<>();
          rows.forEach(
              row -> assertThat(names.add(row.name)).as("%s in %s", row.name, section).isTrue());
          found.put(section, names.size());
        });
    assertThat(found).isEqualTo(COUNTS);
  }

  @Test
  void everyNameOfOursExists() {
    List<String> missing =
        rows().flatMap(row -> row.ours.stream()).filter(name -> !exists(name)).toList();
    assertThat(missing).isEmpty();
  }

  @Test
  void whatIsNotHereSaysWhy() {
    assertThat(rows().filter(row -> row.ours.isEmpty()).map(Row::note)).noneMatch(String::isBlank);
  }

  @Test
  void theCountsAreThoseOfTheTable() {
    long covered = rows().filter(row -> !row.ours.isEmpty()).count();
    System.out.printf("MyGrad's names with one here: %d of %d%n", covered, rows().count());
    assertThat(page).contains("%d of %d of them with one here".formatted(covered, rows().count()));
    assertThat(covered).isGreaterThanOrEqualTo(266); // it may only grow
  }

  /** Whether a type, or a public or protected member of one, has that name. */
  private static boolean exists(String name) {
    int dot = name.indexOf('.');
    String typeName = dot < 0 ? name : name.substring(0, dot);
    Optional<Class<?>> type = PACKAGES.stream().flatMap(in -> find(in + typeName)).findFirst();
    if (type.isEmpty() || dot < 0) {
      return type.isPresent();
    }
    Stream<String> members =
        Stream.of(
                Arrays.stream(type.get().getMethods()).map(Method::getName),
                Arrays.stream(type.get().getDeclaredMethods()).map(Method::getName),
                Arrays.stream(type.get().getFields()).map(Field::getName))
            .flatMap(names -> names);
    return members.anyMatch(name.substring(dot + 1)::equals);
  }

  private static Stream<Class<?>> find(String name) {
    try {
      return Stream.of(Class.forName(name));
    } catch (ClassNotFoundException e) {
      return Stream.empty();
    }
  }
}
