package io.github.jbatchnorm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/**
 * What a cluster has, made of the class path: SPARK_HOME with Spark's jars, and beside it the jars
 * that an application brings along. Executors get nothing else.
 */
final class SparkHome {
  private final Path home;
  private final Path own;

  private SparkHome(Path home, Path own) {
    this.home = home;
    this.own = own;
  }

  /**
   * Makes both.
   *
   * @param folder where the application's jars may be made
   */
  static SparkHome make(Path folder) throws IOException {
    SparkHome made = new SparkHome(Path.of(System.getenv("SPARK_HOME")), folder);
    Files.createDirectories(made.home.resolve("jars"));
    return made;
  }

  /** Returns a session's settings, but for its master. */
  SparkSession.Builder session() throws IOException {
    return SparkSession.builder()
        .config("spark.jars", String.join(",", applicationJars()))
        .config("spark.ui.enabled", false)
        .config("spark.sql.shuffle.partitions", 3)
        // Processes that live for seconds.
        .config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.codegen.wholeStage", false)
        // What a process had that ended is gone: no use to ask for it again.
        .config("spark.shuffle.io.maxRetries", 1)
        .config("spark.shuffle.io.retryWait", "100ms");
  }

  /** Returns the application's jars, and puts all others where Spark's are looked for. */
  private List<String> applicationJars() throws IOException {
    List<String> jars = new ArrayList<>();
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    for (String entry : path.split(File.pathSeparator, -1)) {
      Path file = Path.of(entry);
      if (Files.isDirectory(file)) {
        jars.add(packed(file, own.resolve("classes" + jars.size() + ".jar")).toString());
      } else if (file.getFileName()
          .toString()
          .matches("(jbatchnorm|javacpp|openblas|jspecify).*")) {
        jars.add(entry);
      } else if (!entry.matches(".*(junit|assertj|surefire|opentest4j|byte-buddy).*")) {
        link(file);
      }
    }
    assertThat(jars).anyMatch(jar -> jar.matches(".*openblas.*linux.*"));
    return jars;
  }

  private void link(Path jar) throws IOException {
    Path link = home.resolve("jars").resolve(jar.getFileName());
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, jar.toAbsolutePath());
  }

  private static Path packed(Path folder, Path jar) throws IOException {
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file);
        Stream<Path> all = Files.walk(folder)) {
      for (Path entry : all.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new JarEntry(folder.relativize(entry).toString()));
        Files.copy(entry, out);
        out.closeEntry();
      }
    }
    return jar;
  }
}
