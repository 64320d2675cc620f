package io.github.jbatchnorm.mpi;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs that mpirun starts on several ranks of this machine. */
final class Ranks {
  private Ranks() {}

  /** Returns the command that runs a class on so many ranks. */
  static List<String> command(int ranks, List<String> options, String main, String... arguments) {
    List<String> command =
        new ArrayList<>(List.of("mpirun", "--oversubscribe", "--bind-to", "none"));
    if (System.getProperty("user.name").equals("root")) {
      command.add("--allow-run-as-root");
    }
    command.addAll(List.of("-n", Integer.toString(ranks)));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Djbatchnorm.threads=1"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
    command.addAll(List.of(arguments));
    return command;
  }

  /** Runs a class; returns what all ranks printed, and a last line "status=". */
  static String run(int ranks, List<String> options, String main, String... arguments)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command(ranks, options, main, arguments))
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("mpirun has not ended: " + output);
    }
    return output + "status=" + process.exitValue();
  }
}
