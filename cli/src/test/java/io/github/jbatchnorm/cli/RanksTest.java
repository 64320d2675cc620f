package io.github.jbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.nn.io.Safetensors;
import io.github.jbatchnorm.platform.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Training on ranks: with {@code -Pmpi}, as {@code .ci/run mpi} has it, processes of mpirun. */
@Timeout(180)
class RanksTest {
  @TempDir private Path folder;

  static boolean hasMpi() {
    return ServiceLoader.load(Communicator.Provider.class).findFirst().isPresent();
  }

  @Test
  @DisabledIf("hasMpi")
  void withoutATransportItIsNamed() {
    assertThatThrownBy(() -> Ranks.provider(2))
        .isInstanceOf(UserException.class)
        .hasMessage("--ranks: expected jbatchnorm-mpi on the class path, which mvn -Pmpi builds");
  }

  @Test
  void numberOfRanksIsChecked() {
    assertThatThrownBy(() -> Ranks.provider(0))
        .isInstanceOf(UserException.class)
        .hasMessage("--ranks: expected 1 to 65536, got 0");
  }

  @Test
  void ranksRunTheSameCommandAndShareTheProcessors() {
    List<String> command = Ranks.command(3, List.of("train", "--ranks", "3", "--lr", "0.1"));
    assertThat(command).startsWith("mpirun").containsSequence("-n", "3");
    assertThat(command)
        .endsWith(Main.class.getName(), "train", "--ranks", "3", "--lr", "0.1")
        .containsSequence("-cp", System.getProperty("java.class.path"));
    int processors = Runtime.getRuntime().availableProcessors();
    assertThat(command)
        .contains("-D%s=%s".formatted(Settings.THREADS, Math.max(1, processors / 3)));
  }

  /** What a command printed, and its exit status in a last line. */
  private static String run(List<String> arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return output + "status=" + process.waitFor();
  }

  private String train(String name, String... options) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("train", "--epochs", "1", "--batch-size"));
    arguments.addAll(List.of("50", "--out", folder.resolve(name).toString()));
    arguments.addAll(List.of(options));
    return run(arguments);
  }

  @Test
  @EnabledIf("hasMpi")
  void ranksTrainAsOneDoes() throws Exception {
    String two = train("two", "--ranks", "2");
    assertThat(two)
        .contains("1 threads on each of 2 ranks\n")
        .contains("Wrote " + folder.resolve("two"))
        .endsWith("status=0");
    assertThat(Pattern.compile("training images").matcher(two).results().count()).isEqualTo(1);
    assertThat(train("again", "--ranks", "2")).endsWith("status=0");
    Path model = folder.resolve("two").resolve("model.safetensors");
    assertThat(model).hasSameBinaryContentAs(folder.resolve("again").resolve(model.getFileName()));

    assertThat(train("one")).endsWith("status=0");
    Safetensors one = Safetensors.read(folder.resolve("one").resolve(model.getFileName()));
    Safetensors ranks = Safetensors.read(model);
    assertThat(ranks.tensors().keySet()).isEqualTo(one.tensors().keySet());
    assertThat(accuracies(ranks)).hasSize(2);
    for (int i = 0; i < 2; i++) {
      // Gradients are added up in another order.
      assertThat(accuracies(ranks).get(i)).isCloseTo(accuracies(one).get(i), within(0.02));
    }
    assertThat(train("three", "--ranks", "2", "--resume", model.toString())).endsWith("status=0");
    Safetensors resumed = Safetensors.read(folder.resolve("three").resolve(model.getFileName()));
    assertThat(resumed.metadata()).containsEntry("epoch", "2");
  }

  private static List<Double> accuracies(Safetensors model) {
    return Pattern.compile("[0-9]+\\.[0-9]+")
        .matcher(model.metadata().get("accuracies"))
        .results()
        .map(result -> Double.valueOf(result.group()))
        .toList();
  }

  @Test
  @EnabledIf("hasMpi")
  void whatIsWrongIsSaidOnceAndBeforeRanksStart() throws Exception {
    assertThat(train("none", "--ranks", "2", "--data", folder.resolve("no").toString()))
        .isEqualTo(
            "jbatchnorm: "
                + folder.resolve("no")
                + ": no such folder"
                + System.lineSeparator()
                + "status=2");
    assertThat(train("none", "--ranks", "2", "--resume", folder.resolve("no").toString()))
        .isEqualTo(
            "jbatchnorm: "
                + folder.resolve("no")
                + ": no such file"
                + System.lineSeparator()
                + "status=2");
    assertThat(Files.exists(folder.resolve("none"))).isFalse();
  }
}
