package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.platform.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's program, taken out of it, prints what the README says; its versions are true. */
class ReadmeTest {
  private static final Pattern VERSION =
      Pattern.compile(
          "jbatchnorm[a-z-]*(?:-|</artifactId>\\s*<version>)(\\d+\\.\\d+\\.\\d+[-A-Z]*)(?:\\.jar|</version>)");
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern OUTPUT =
      Pattern.compile("It prints\n\n```\n(.*?)```", Pattern.DOTALL);

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
    assertThat(VERSION.matcher(text("README.md")).results().map(found -> found.group(1)))
        .isNotEmpty()
        .containsOnly(version);
    assertThat(text("CHANGELOG.md")).contains("## Unreleased (" + released + ")");
  }

  @Test
  @Tag("starts-java")
  void programRunsAsPastedAndPrintsWhatTheReadmeSays() throws IOException, InterruptedException {
    String text = text("README.md");
    Path source = folder.resolve("Example.java");
    Files.writeString(source, find(JAVA, text));
    assertThat(SourceProgram.run(source)).isEqualTo(new SourceProgram(0, find(OUTPUT, text)));
  }
}
