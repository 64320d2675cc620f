package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.platform.Settings;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** The ranks that mpirun starts, of this program with the same arguments. */
final class Ranks {
  /** What Open MPI tells each process that it starts. */
  private static final String SIZE = "OMPI_COMM_WORLD_SIZE";

  private static final int MOST = 1 << 16;

  private Ranks() {}

  /** Checks how many are wanted, and what they need. */
  static Communicator.Provider provider(int ranks) throws UserException {
    UserException.unless(ranks >= 1 && ranks <= MOST, "--ranks", "1 to " + MOST, ranks);
    String started = System.getenv(SIZE);
    if (started != null && !started.equals(Integer.toString(ranks))) {
      throw new UserException(
          "--ranks: expected %s, as many as mpirun has started, got %s".formatted(started, ranks));
    }
    return ServiceLoader.load(Communicator.Provider.class)
        .findFirst()
        .orElseThrow(
            () ->
                new UserException(
                    "--ranks: expected jbatchnorm-mpi on the class path, which mvn -Pmpi builds"));
  }

  /** Whether this process is one of them. */
  static boolean isOne() {
    return System.getenv(SIZE) != null;
  }

  /** Starts them; returns the exit status once all have ended. They end with this process. */
  static int start(int ranks, List<String> arguments) throws UserException {
    Process process;
    try {
      process = new ProcessBuilder(command(ranks, arguments)).inheritIO().start();
    } catch (IOException e) {
      throw new UserException(
          "--ranks: mpirun does not start (on Debian and Ubuntu: apt-get install openmpi-bin): "
              + e.getMessage());
    }
    Thread end = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(end);
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      return 1;
    }
  }

  /** Returns the command; ranks share the processors. */
  static List<String> command(int ranks, List<String> arguments) {
    List<String> command =
        new ArrayList<>(List.of("mpirun", "--oversubscribe", "--bind-to", "none"));
    if (System.getProperty("user.name").equals("root")) {
      command.add("--allow-run-as-root");
    }
    command.addAll(List.of("-n", Integer.toString(ranks)));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    if (System.getProperty(Settings.THREADS) == null) {
      int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / ranks);
      command.add("-D%s=%s".formatted(Settings.THREADS, threads));
    }
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(arguments);
    return command;
  }
}
