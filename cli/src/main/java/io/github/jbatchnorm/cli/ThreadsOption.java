package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.platform.Settings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option of the commands that compute. */
final class ThreadsOption {
  private static final int MOST = 1024;

  @Option(names = "--threads", description = "threads to use (default: one a processor)")
  private @Nullable Integer threads;

  /** Sets the library's number of threads, where one was given. */
  void apply() throws UserException {
    if (threads == null) {
      return;
    }
    if (threads < 1 || threads > MOST) {
      throw new UserException("--threads: expected 1 to %s, got %s".formatted(MOST, threads));
    }
    System.setProperty(Settings.THREADS, threads.toString());
  }
}
