package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.platform.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The documents' programs, taken out of them, print what they say; the README's versions are true.
 */
class ReadmeTest {
  private static final Pattern VERSION =
      Pattern.compile(
          "jbatchnorm[a-z-]*(?:-|</artifactId>\\s*<version>)(\\d+\\.\\d+\\.\\d+[-A-Z]*)(?:\\.jar|</version>)"
              + "|jbatchnorm-platform:(\\d[^\"]*)");
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern OUTPUT =
      Pattern.compile("It prints\n\n```\n(.*?)```", Pattern.DOTALL);

  private static final Pattern RECOGNIZED = Pattern.compile("(\\d+) of 500 new digits");

  @TempDir private Path folder;

  private static String find(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    assertThat(matcher.find()).as("%s in README.md", pattern).isTrue();
    return matcher.group(1);
  }

  private static String text(String file) throws IOException {
    return Files.readString(Path.of(System.getProperty("jbatchnorm.test.basedir"), file));
  }

  /** The version stands in pom.xml alone; what a reader copies has it too. */
  @Test
  void everyVersionThatIsWrittenIsThePoms() throws IOException {
    String version = System.getProperty("jbatchnorm.test.version");
    String released = version.replace("-SNAPSHOT", "");
    assertThat(NativeLibrary.version()).isEqualTo(released);
    for (String document : List.of("README.md", "docs/command-line.md")) {
      assertThat(VERSION.matcher(text(document)).results().map(ReadmeTest::version))
          .as(document)
          .isNotEmpty()
          .containsOnly(version);
    }
    assertThat(text("CHANGELOG.md")).contains("## Unreleased (" + released + ")");
  }

  private static String version(MatchResult found) {
    return found.group(1) == null ? found.group(2) : found.group(1);
  }

  private SourceProgram run(String text, String name) throws IOException, InterruptedException {
    Path source = folder.resolve(name);
    Files.writeString(source, find(JAVA, text));
    return SourceProgram.run(source);
  }

  /** The last bits of convolutions, and so the last line, depend on the type of processor. */
  @Test
  @Tag("starts-java")
  void trainingLoopRunsAsPastedAndPrintsWhatTheReadmeSays()
      throws IOException, InterruptedException {
    String text = text("README.md");
    SourceProgram train = run(text, "Train.java");
    String expected = find(OUTPUT, text);
    assertThat(train.status()).as(train.output()).isZero();
    assertThat(train.output().replaceFirst("\\d+ of 500", "n of 500"))
        .isEqualTo(expected.replaceFirst("\\d+ of 500", "n of 500"));
    assertThat(Integer.parseInt(find(RECOGNIZED, train.output()))).isGreaterThan(440);
    assertThat(Integer.parseInt(find(RECOGNIZED, expected))).isGreaterThan(440);
  }

  @Test
  @Tag("starts-java")
  void tenLinesRunAsPastedAndPrintWhatTheDocumentSays() throws IOException, InterruptedException {
    String text = text("docs/autograd.md");
    assertThat(run(text, "Example.java")).isEqualTo(new SourceProgram(0, find(OUTPUT, text)));
  }
}
