package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.JavaArrays;
import io.github.jbatchnorm.arrays.OpenBlas;
import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryUse;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Settings;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which kernel runs, and what is said where the native one does not load. */
@Tag("machine")
class KernelsTest {
  @TempDir private Path folder;

  /** Prints the name of the kernel that a JVM of its own chooses. */
  static final class PrintKernel {
    public static void main(String[] args) {
      System.out.println("kernel=" + Kernels.current().name());
    }
  }

  /** The output of a JVM whose class path has the classes, but none of the natives. */
  private String runWithoutNatives(String... options) throws IOException, InterruptedException {
    Path classes = folder.resolve("classes");
    Path built =
        Path.of(Kernels.class.getProtectionDomain().getCodeSource().getLocation().getPath());
    try (Stream<Path> files = Files.walk(built)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
        Path copy = classes.resolve(built.relativize(file));
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy);
      }
    }
    String rest =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).equals(built))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command =
        Stream.of(
                Stream.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()),
                Stream.of(options),
                Stream.of("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache")),
                Stream.of("-cp", classes + File.pathSeparator + rest, PrintKernel.class.getName()))
            .flatMap(part -> part)
            .toList();
    return ChildJvm.run(command);
  }

  /** Asks for everything that a property has a say in, twice, and prints what is thrown. */
  static final class AskTwice {
    private AskTwice() {}

    public static void main(String[] args) {
      List<Runnable> questions =
          List.of(
              Kernels::current,
              ArrayKernels::current,
              Settings::check,
              () -> Storage.allocate(DType.F32, 1 << 20),
              Products::areOrdered,
              AskTwice::computeInParallel,
              OpenBlas::configuration,
              MemoryUse::now);
      for (int time = 0; time < 2; time++) {
        for (int i = 0; i < questions.size(); i++) {
          System.out.println(i + ": " + answer(questions.get(i)));
        }
      }
    }

    private static void computeInParallel() {
      Storage x = Storage.allocate(DType.F32, 1 << 15);
      new JavaArrays().map(Math::sqrt, x, x);
    }

    private static String answer(Runnable question) {
      try {
        question.run();
        return "fine";
      } catch (RuntimeException | Error e) { // what is thrown is what is asked for
        return e.getClass().getSimpleName() + " " + e.getMessage();
      }
    }
  }

  @ParameterizedTest
  @Tag("starts-java")
  @ValueSource(
      strings = {
        "jbatchnorm.kernel=gpu",
        "jbatchnorm.isa=mmx",
        "jbatchnorm.threads=many",
        "jbatchnorm.matmul=fast",
        "jbatchnorm.maxMemory=half"
      })
  void aBadPropertyIsRefusedEachTime(String property) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-D" + property,
                "-cp",
                System.getProperty("java.class.path"),
                AskTwice.class.getName())
            .start();
    List<String> answers =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .toList();
    assertThat(process.waitFor()).isZero();
    int half = answers.size() / 2;
    assertThat(answers.subList(0, half)).hasSize(8).isEqualTo(answers.subList(half, 2 * half));
    assertThat(answers).allMatch(line -> line.matches("\\d: (fine|IllegalArgumentException .*)"));
    assertThat(answers).anyMatch(line -> line.contains("IllegalArgumentException"));
  }

  @Test
  @Tag("starts-java")
  void fallingBackToTheJavaKernelIsAnnounced() throws Exception {
    assertThat(runWithoutNatives())
        .contains("WARNING: Running on the pure-Java kernel")
        .contains("Could not find jnijbatchnorm")
        .contains("-Djbatchnorm.kernel=java")
        .contains("kernel=java")
        .endsWith("status=0");
  }

  @Test
  @Tag("starts-java")
  void demandedJavaKernelNeedsNoNativesAndSaysNothing() throws Exception {
    assertThat(runWithoutNatives("-Djbatchnorm.kernel=java"))
        .doesNotContain("pure-Java kernel")
        .contains("kernel=java")
        .endsWith("status=0");
  }

  @Test
  @Tag("starts-java")
  void demandedNativeKernelThatDoesNotLoadIsAnErrorThatSaysWhatToDo() throws Exception {
    assertThat(runWithoutNatives("-Djbatchnorm.kernel=native"))
        .contains("NativeLibraryException: the native library of jbatchnorm did not load")
        .contains("-Djbatchnorm.kernel=java")
        .endsWith("status=1");
  }
}
