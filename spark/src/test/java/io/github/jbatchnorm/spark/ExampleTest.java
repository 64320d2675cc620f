package io.github.jbatchnorm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** examples/spark runs and prints what stands at its end. */
class ExampleTest {
  private static final String EXPECTED = "// Prints:\n";

  @Test
  void exampleRunsAndPrintsWhatItSays()
      throws IOException,
          ClassNotFoundException,
          NoSuchMethodException,
          IllegalAccessException,
          InvocationTargetException {
    String source =
        Files.readString(
            Path.of(
                System.getProperty("jbatchnorm.test.basedir"),
                "examples/spark/DigitsOnSpark.java"));
    String expected =
        source
            .substring(source.indexOf(EXPECTED) + EXPECTED.length())
            .lines()
            .map(line -> line.replaceFirst("// ?", "") + "\n")
            .collect(Collectors.joining());
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      // In the default package, which no import can name.
      Class.forName("DigitsOnSpark")
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).isEqualTo(expected).isNotEmpty();
  }
}
