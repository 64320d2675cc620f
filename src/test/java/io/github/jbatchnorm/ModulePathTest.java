package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library as a module, as a user's program on the module path has it. */
@Tag("starts-java")
class ModulePathTest {
  private static final String TRAINING =
      """
      import io.github.jbatchnorm.autograd.Tensor;
      import io.github.jbatchnorm.autograd.Tensors;
      import io.github.jbatchnorm.kernel.Kernels;
      import io.github.jbatchnorm.memory.DType;
      import io.github.jbatchnorm.nn.*;
      import io.github.jbatchnorm.nn.functional.Losses;
      import java.util.SplittableRandom;

      public class Program {
        public static void main(String[] args) {
          SplittableRandom random = new SplittableRandom(1);
          Sequential model =
              Sequential.builder()
                  .add("one", new Dense(4, 8, random))
                  .add("norm", BatchNorm.builder(8).build())
                  .add("two", new Dense(8, 2, random))
                  .build();
          Tensor x = Tensors.normal(DType.F32, random, 0, 1, 6, 4);
          Tensor loss =
              Losses.softmaxCrossentropy(model.forward(x, Mode.TRAINING), 0, 1, 0, 1, 0, 1);
          Tensor weight = model.parameters().get("one.weight");
          double before = weight.get(0, 0);
          loss.backward();
          new Sgd(model.parameters(), 0.1, 0.9).step();
          System.out.println(Tensor.class.getModule().getName());
          System.out.println(Kernels.current().name());
          System.out.println(weight.get(0, 0) == before ? "same" : "trained");
        }
      }
      """;

  private static final String REACHING_INSIDE =
      """
      public class Program {
        public static void main(String[] args) {
          System.out.println(io.github.jbatchnorm.arrays.ArrayKernels.current());
        }
      }
      """;

  @TempDir private Path folder;

  /** What the library needs, natives included; nothing of the command line's or the tests'. */
  private static String modulePath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(
            entry ->
                Files.exists(Path.of(entry, "module-info.class"))
                    || Path.of(entry)
                        .getFileName()
                        .toString()
                        .matches("(javacpp|openblas|jspecify|jackson-core|jbatchnorm)-.*\\.jar"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private String run(String program) throws IOException, InterruptedException {
    Path source = Files.writeString(folder.resolve("Program.java"), program);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--module-path",
                modulePath(),
                "--add-modules",
                "ALL-MODULE-PATH",
                source.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return output + "status=" + process.waitFor();
  }

  @Test
  void modelTrainsOnTheModulePath() throws Exception {
    assertThat(run(TRAINING)).contains("io.github.jbatchnorm\nnative\ntrained\nstatus=0");
  }

  @Test
  void whatIsNotExportedCannotBeUsed() throws Exception {
    assertThat(run(REACHING_INSIDE))
        .contains("package io.github.jbatchnorm.arrays is not visible")
        .contains("does not export it")
        .doesNotContain("status=0");
  }
}
