package io.github.jbatchnorm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A Java process with this one's class path. */
public final class ChildJvm {
  private final List<String> command = new ArrayList<>();

  private ChildJvm() {}

  /** Returns a process that is not started yet, with options of the virtual machine. */
  public static ChildJvm with(String... options) {
    ChildJvm child = new ChildJvm();
    child.command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    child.command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")); // starts faster
    child.command.add("--enable-native-access=ALL-UNNAMED");
    child.command.addAll(List.of(options));
    child.command.add("-cp");
    child.command.add(System.getProperty("java.class.path"));
    return child;
  }

  /** Returns the command that runs a class, for whoever starts it. */
  public List<String> command(Class<?> main, String... arguments) {
    List<String> whole = new ArrayList<>(command);
    whole.add(main.getName());
    whole.addAll(List.of(arguments));
    return whole;
  }

  /** Runs a class; returns all that it printed, and a last line "status=" with its exit status. */
  public String run(Class<?> main, String... arguments) throws IOException, InterruptedException {
    return run(command(main, arguments));
  }

  /** Runs any command; returns the same. */
  public static String run(List<String> command) throws IOException, InterruptedException {
    return run(new ProcessBuilder(command));
  }

  /** As {@link #run(List)}, of a process whose surroundings were changed. */
  public static String run(ProcessBuilder builder) throws IOException, InterruptedException {
    Process process = builder.redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return output + "status=" + process.waitFor();
  }
}
