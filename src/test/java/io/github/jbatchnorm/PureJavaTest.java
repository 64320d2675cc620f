package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Machines without native code for them, simulated: everything runs there, and says why once. */
@Tag("starts-java")
class PureJavaTest {
  /** What the program prints on this machine, natively but for the products. */
  private static String expected = "";

  @TempDir private Path folder;

  @BeforeAll
  static void runHere(@TempDir Path cache) throws IOException, InterruptedException {
    String output = run(cache, jar -> true, thisJava(), "-Djbatchnorm.matmul=ordered");
    expected = output.substring(output.indexOf("y="));
  }

  /** Trains a step and prints what it found: the same everywhere. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      Tensor x = Tensor.of(new float[] {1, 2, 3, 5, 7, 11}, 3, 2);
      Tensor w = Tensor.of(new float[] {1, -1, 2, 0.5f}, 2, 2);
      Tensor y = Functions.batchnorm(x.matmul(w), null, null, 1e-5).relu();
      y.multiply(y).sum().backward();
      // More than a small heap: memory lies outside it, and goes back.
      for (int i = 0; i < 40; i++) {
        Tensor.zeros(DType.F32, 1 << 20).add(1);
      }
      System.out.println("kernel=" + Kernels.current().name());
      System.out.println("y=" + y + " dw=" + w.grad());
    }
  }

  private String run(Predicate<String> jars, Path java, String... options)
      throws IOException, InterruptedException {
    return run(folder.resolve("cache"), jars, java, options);
  }

  private static String run(Path cache, Predicate<String> jars, Path java, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(java.toString()));
    command.addAll(List.of(options));
    command.add("-Xmx64m");
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    command.add("-cp");
    command.add(
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(jars)
            .collect(Collectors.joining(File.pathSeparator)));
    command.add(Program.class.getName());
    String output = ChildJvm.run(command);
    assertThat(output).endsWith("status=0");
    return output.substring(0, output.length() - "status=0".length());
  }

  private static Path thisJava() {
    return Path.of(System.getProperty("java.home"), "bin", "java");
  }

  /** Returns a JVM that can deny access to native code, from those installed beside this one. */
  private static Optional<Path> newerJava() throws IOException {
    try (Stream<Path> installed =
        Files.list(Path.of(System.getProperty("java.home")).toRealPath().getParent())) {
      return installed
          .filter(home -> home.getFileName().toString().contains("25"))
          .map(home -> home.resolve("bin").resolve("java"))
          .filter(Files::isExecutable)
          .findFirst();
    }
  }

  private static boolean isNative(String entry) {
    String file = Path.of(entry).getFileName().toString();
    return file.startsWith("javacpp-") || file.startsWith("openblas-");
  }

  @Test
  void withoutJavaCppAndOpenBlas() throws IOException, InterruptedException {
    String output = run(jar -> !isNative(jar), thisJava(), "-Djbatchnorm.kernel=java");
    assertThat(output).startsWith("kernel=java").endsWith(expected).doesNotContain("WARNING");
    String warned = run(jar -> !isNative(jar), thisJava());
    assertThat(warned).contains("kernel=java").endsWith(expected);
    assertThat(warned.split("Running on the pure-Java kernel", -1)).hasSize(2);
    assertThat(warned).contains("org.bytedeco");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Mac OS X,aarch64", "Windows 11,amd64", "Linux,riscv64"})
  void onPlatformsWithoutNatives(String platform) throws IOException, InterruptedException {
    String[] parts = platform.split(",", -1);
    String output =
        run(
            jar -> true,
            thisJava(),
            "-Dos.name=" + parts[0],
            "-Dos.arch=" + parts[1],
            "-Dorg.bytedeco.javacpp.platform="
                + parts[0].substring(0, 3).toLowerCase(Locale.ROOT)
                + "-none");
    assertThat(output).contains("kernel=java").endsWith(expected);
  }

  @Test
  void withoutOpenBlasAlone() throws IOException, InterruptedException {
    String output =
        run(jar -> !Path.of(jar).getFileName().toString().startsWith("openblas-"), thisJava());
    assertThat(output).contains("kernel=native").endsWith(expected);
    assertThat(output.split("Matrix products are ordered", -1)).hasSize(2);
  }

  /** JavaCPP's natives, which it unpacks, may not be mapped. */
  @Test
  void whereWhatIsUnpackedMayNotRun() throws IOException, InterruptedException {
    Path cache = Files.createDirectory(folder.resolve("cache"));
    assumeThat(isDone("mount", "-t", "tmpfs", "-o", "noexec,size=100m", "tmpfs", cache.toString()))
        .as("mounting a file system, which takes root's rights")
        .isTrue();
    try {
      String output = run(jar -> true, thisJava());
      assertThat(output).contains("failed to map segment").endsWith(expected);
    } finally {
      assertThat(isDone("umount", cache.toString())).isTrue();
    }
  }

  private static boolean isDone(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false; // there is no such command
    }
  }

  @Test
  void whereNativeAccessIsDenied() throws IOException, InterruptedException {
    Optional<Path> java = newerJava();
    assumeThat(java).as("a JDK from 24 on beside this one").isPresent();
    String output = run(jar -> true, java.get(), "--illegal-native-access=deny");
    assertThat(output).contains("kernel=java").endsWith(expected);
  }
}
