package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The programs in examples/java run and print what stands at their end; ctest runs C's. */
final class ExamplesTest {
  private static final String EXPECTED = "// Prints:\n";

  @ParameterizedTest
  @Tag("starts-java")
  @MethodSource("examples")
  void exampleRunsAndPrintsWhatItSays(Path source) throws IOException, InterruptedException {
    String text = Files.readString(source);
    assertThat(text).contains(EXPECTED);
    String expected =
        text.substring(text.indexOf(EXPECTED) + EXPECTED.length())
            .lines()
            .map(line -> line.replaceFirst("// ?", "") + "\n")
            .collect(Collectors.joining());
    assertThat(expected).isNotEmpty();
    assertThat(SourceProgram.run(source)).isEqualTo(new SourceProgram(0, expected));
  }

  static List<Path> examples() throws IOException {
    Path folder = Path.of(System.getProperty("jbatchnorm.test.basedir"), "examples/java");
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
