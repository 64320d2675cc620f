package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.arrays.OpenBlas;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.platform.Execution;
import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.Settings;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what this program runs on. */
@Command(
    name = "info",
    description = "Print version, platform, kernel, instruction set, threads and OpenBLAS.",
    mixinStandardHelpOptions = true)
final class InfoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    BatchNormKernel kernel = Kernels.current();
    out.printf("%-16s %s%n", "jbatchnorm", Version.text());
    out.printf(
        "%-16s %s %s, Java %s%n",
        "platform", Loader.getPlatform(), System.getProperty("os.version"), Runtime.version());
    out.printf("%-16s %s%n", "kernel", kernel.name());
    if (NativeLibrary.isUsed()) {
      out.printf("%-16s %s%n", "native library", NativeLibrary.version());
      out.printf(
          "%-16s %s (best here: %s)%n",
          "instruction set", Execution.current().usedIsa(), NativeLibrary.bestIsa());
    }
    out.printf("%-16s %s%n", "threads", Settings.threads());
    out.printf("%-16s %s%n", "OpenBLAS", openBlas());
    out.flush();
    return 0;
  }

  private static String openBlas() {
    return NativeLibrary.isUsed()
        ? OpenBlas.configuration()
        : "can be asked on the native kernel only";
  }
}
