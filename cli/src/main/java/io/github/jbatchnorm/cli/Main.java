package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.memory.MemoryLimitException;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.platform.NativeLibraryException;
import io.github.jbatchnorm.platform.Settings;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code jbatchnorm}. Exit status 0 after success, 2 after something that the user can
 * put right, which one line on standard error explains, and 1 after an error in the program.
 */
@Command(
    name = "jbatchnorm",
    description = "Batch normalization for the JVM.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      TrainCommand.class,
      ResNetCommand.class,
      BenchCommand.class,
      MemoryCommand.class,
      InfoCommand.class
    })
public final class Main implements Runnable {
  private static final int USER_ERROR = 2;
  private static final int MOST_SUGGESTED = 2;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public Main() {}

  /** Runs the command and ends the JVM with its exit status. */
  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true"); // charts are drawn to files alone
    System.exit(run(args));
  }

  /** Runs the command and returns its exit status. */
  static int run(String... args) {
    CommandLine command = new CommandLine(new Main());
    try {
      Settings.check();
    } catch (IllegalArgumentException e) {
      return say(command, String.valueOf(e.getMessage()));
    }
    return command
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::explain)
        .setExecutionExceptionHandler(Main::explain)
        .execute(args);
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  private static int explain(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String help = command.getCommandSpec().qualifiedName() + " --help";
    return say(
        command,
        e instanceof UnmatchedArgumentException unmatched
            ? unmatched(unmatched, command) + "; see " + help
            : e.getMessage() + "; see " + help);
  }

  /** Returns what was not understood, and what may have been meant. */
  private static String unmatched(UnmatchedArgumentException e, CommandLine command) {
    boolean isCommand = !e.isUnknownOption() && !command.getSubcommands().isEmpty();
    String kind = e.isUnknownOption() ? "option" : isCommand ? "command" : "argument";
    String unknown = "unknown %s '%s'".formatted(kind, e.getUnmatched().get(0));
    String meant =
        e.getSuggestions().stream().limit(MOST_SUGGESTED).collect(Collectors.joining(" or "));
    return meant.isEmpty() ? unknown : "%s: did you mean %s?".formatted(unknown, meant);
  }

  private static int explain(Exception e, CommandLine command, ParseResult parsed)
      throws Exception {
    if (e instanceof UserException
        || e instanceof FileFormatException
        || e instanceof MemoryLimitException
        || e instanceof NativeLibraryException) {
      return say(command, e.getMessage());
    }
    if (e instanceof NoSuchFileException missing) {
      String reason = missing.getReason();
      return say(command, missing.getFile() + ": " + (reason == null ? "no such file" : reason));
    }
    if (e instanceof NotDirectoryException none) {
      return say(command, none.getFile() + ": no such folder");
    }
    if (e instanceof AccessDeniedException denied) {
      return say(command, denied.getFile() + ": access denied");
    }
    if (e instanceof FileSystemException || e instanceof IOException) {
      return say(command, e.getMessage());
    }
    throw e;
  }

  private static int say(CommandLine command, String message) {
    String line = message.lines().findFirst().orElse("failed");
    command.getErr().println("jbatchnorm: " + line);
    command.getErr().flush();
    return USER_ERROR;
  }
}
