package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.platform.Execution;
import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures the kernel on this machine beside a copy of the same memory. */
@Command(
    name = "bench",
    description = "Measure the kernel on this machine, beside a copy of the same memory.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true)
final class BenchCommand implements Callable<Integer> {
  private static final double GIGA = 1e9;
  private static final double MICROSECONDS = 1e6;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SHAPE",
      defaultValue = "mb32ic64ih56iw56 mb32ic256ih56iw56 mb32ic512ih28iw28 mb32ic2048ih7iw7",
      split = " ",
      description = "shapes in benchdnn's notation")
  private List<String> names = List.of();

  @Option(names = "--dtype", defaultValue = "f32", description = "${COMPLETION-CANDIDATES}")
  private DType dtype = DType.F32;

  @Option(names = "--layout", defaultValue = "nchw", description = "${COMPLETION-CANDIDATES}")
  private Layout layout = Layout.NCHW;

  @Option(names = "--rounds", defaultValue = "9", description = "that the medians are of")
  private int rounds;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "jbatchnorm-bench",
      description = "folder for chart.png")
  private Path out = Path.of("jbatchnorm-bench");

  /** What was measured of one shape, as shares of the copy's rate. */
  record Row(String shape, double forward, double backward, double inference) {}

  @Override
  public Integer call() throws UserException, IOException {
    if (rounds < 1 || rounds > 1000) {
      throw new UserException("--rounds: expected 1 to 1000, got " + rounds);
    }
    threads.apply();
    List<BenchShape> shapes = new ArrayList<>();
    for (String name : names) {
      shapes.add(BenchShape.parse(name));
    }
    OutputFolder output = OutputFolder.prepare(out);
    BatchNormKernel kernel = Kernels.current();
    PrintWriter print = spec.commandLine().getOut();
    print.printf(
        "%s kernel%s, %s %s, %s threads, medians of %s rounds%n",
        kernel.name(),
        NativeLibrary.isUsed() ? " on " + Execution.current().usedIsa() : "",
        dtype,
        layout,
        Settings.threads(),
        rounds);
    print.printf(
        "%-20s %-10s %12s %8s %8s%n", "shape", "operation", "microseconds", "GB/s", "of copy");
    List<Row> rows = new ArrayList<>();
    for (BenchShape shape : shapes) {
      rows.add(measure(kernel, shape, print));
    }
    output.writeChart(ThroughputChart.draw(rows));
    print.printf("chart: %s%n", output.chart());
    print.flush();
    return 0;
  }

  private Row measure(BatchNormKernel kernel, BenchShape shape, PrintWriter print) {
    BatchNormShape sizes = new BatchNormShape(dtype, layout, shape.n(), shape.c(), shape.s());
    KernelTimes times = KernelTimes.measure(kernel, sizes, rounds);
    double bytes = (double) sizes.size() * dtype.bytes();
    double copyRate = 2 * bytes / times.copy();
    double forward = line(print, shape, "forward", times.forward(), 2 * bytes, copyRate);
    double backward = line(print, shape, "backward", times.backward(), 3 * bytes, copyRate);
    double inference = line(print, shape, "inference", times.inference(), 2 * bytes, copyRate);
    line(print, shape, "copy", times.copy(), 2 * bytes, copyRate);
    print.flush();
    return new Row(shape.name(), forward, backward, inference);
  }

  /** Prints one line; each array counts once. Returns the share of the copy's rate. */
  private static double line(
      PrintWriter print,
      BenchShape shape,
      String operation,
      double seconds,
      double bytes,
      double copyRate) {
    double rate = bytes / seconds;
    print.printf(
        Locale.ROOT,
        "%-20s %-10s %12.2f %8.1f %8.2f%n",
        shape.name(),
        operation,
        seconds * MICROSECONDS,
        rate / GIGA,
        rate / copyRate);
    return rate / copyRate;
  }
}
