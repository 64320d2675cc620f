package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's program, taken out of it, runs and prints what the README says. */
class ReadmeTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern OUTPUT =
      Pattern.compile("It prints\n\n```\n(.*?)```", Pattern.DOTALL);

  @TempDir private Path folder;

  private static String find(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    assertThat(matcher.find()).as("%s in README.md", pattern).isTrue();
    return matcher.group(1);
  }

  @Test
  @Tag("starts-java")
  void programRunsAsPastedAndPrintsWhatTheReadmeSays() throws IOException, InterruptedException {
    Path readme = Path.of(System.getProperty("jbatchnorm.test.basedir"), "README.md");
    String text = Files.readString(readme);
    Path source = folder.resolve("Example.java");
    Files.writeString(source, find(JAVA, text));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                source.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(output).isEqualTo(find(OUTPUT, text));
    assertThat(process.waitFor()).isZero();
  }
}
