package io.github.jbatchnorm.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The programs of docs/interop.md compile, and print what the page says. */
class InteropPageTest {
  private static final Pattern PROGRAM =
      Pattern.compile("```java\n(.*?)```(?:\n\nIt prints\n\n```\n(.*?)```)?", Pattern.DOTALL);
  private static final Pattern NAME = Pattern.compile("(?m)^class (\\w+)");
  private static final int SEGMENTS = 22; // the Java that has them

  @TempDir private Path folder;

  /** One program; no output where it is compiled alone. */
  record Program(String name, String source, String output) {
    boolean hasSegments() {
      return source.contains("java.lang.foreign");
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Program> programs() throws IOException {
    Path page = Path.of(System.getProperty("jbatchnorm.test.basedir"), "docs/interop.md");
    return PROGRAM
        .matcher(Files.readString(page))
        .results()
        .map(
            found -> {
              Matcher name = NAME.matcher(found.group(1));
              assertThat(name.find()).isTrue();
              String output = found.group(2);
              return new Program(name.group(1), found.group(1), output == null ? "" : output);
            })
        .toList();
  }

  @ParameterizedTest
  @MethodSource("programs")
  void programPrintsWhatThePageSays(Program program) throws Exception {
    Path source = Files.writeString(folder.resolve(program.name() + ".java"), program.source());
    if (program.hasSegments() && Runtime.version().feature() < SEGMENTS) {
      assertThat(runByLaterJava(source)).isEqualTo(program.output());
      return;
    }
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-proc:none",
                "-d",
                folder.toString(),
                "-cp",
                System.getProperty("java.class.path"),
                source.toString());
    assertThat(status).isZero();
    if (!program.output().isEmpty()) {
      assertThat(run(program.name())).isEqualTo(program.output());
    }
  }

  private String run(String name) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    URL[] classes = {folder.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(classes, getClass().getClassLoader());
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      Method main = loader.loadClass(name).getDeclaredMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }

  /** Runs a program by a Java that has memory segments, where there is one on this machine. */
  private static String runByLaterJava(Path source) throws Exception {
    Path java = laterJava();
    assumeTrue(java != null, "no Java of 22 or later here");
    Process process =
        new ProcessBuilder(
                String.valueOf(java),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                source.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  private static Path laterJava() throws IOException {
    Path all = Path.of("/usr/lib/jvm");
    if (!Files.isDirectory(all)) {
      return null;
    }
    try (Stream<Path> homes = Files.list(all)) {
      return homes
          .filter(home -> Files.isExecutable(home.resolve("bin/java")))
          .filter(home -> version(home) >= SEGMENTS)
          .map(home -> home.resolve("bin/java"))
          .findFirst()
          .orElse(null);
    }
  }

  private static int version(Path home) {
    try {
      Matcher version =
          Pattern.compile("JAVA_VERSION=\"(\\d+)")
              .matcher(Files.readString(home.resolve("release")));
      return version.find() ? Integer.parseInt(version.group(1)) : 0;
    } catch (NoSuchFileException e) {
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
