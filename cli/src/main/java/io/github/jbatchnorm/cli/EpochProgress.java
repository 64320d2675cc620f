package io.github.jbatchnorm.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * The progress of one epoch of one network on standard error: a bar on a terminal, else a plain
 * line whenever some seconds went by, so that a file or a log has few.
 */
final class EpochProgress implements AutoCloseable {
  private static final double SMOOTHING = 0.05;
  private static final int BAR_INTERVAL_MILLIS = 200;
  private static final double SECOND = 1e9;
  private static final long LINE_INTERVAL = (long) (10 * SECOND);

  private final String task;
  private final long total;
  private final Consumer<String> lines;
  private final LongSupplier clock;
  private final @Nullable ProgressBar bar;
  private final long start;
  private long lastLine;
  private double loss = Double.NaN;
  private long images;

  /** Begins; the time is the system's. */
  EpochProgress(String task, long total, PrintWriter lines) {
    this(task, total, line -> say(lines, line), System::nanoTime, onTerminal());
  }

  private static void say(PrintWriter lines, String line) {
    lines.println(line);
    lines.flush();
  }

  EpochProgress(
      String task, long total, Consumer<String> lines, LongSupplier clock, boolean onTerminal) {
    this.task = task;
    this.total = total;
    this.lines = lines;
    this.clock = clock;
    this.start = clock.getAsLong();
    this.lastLine = start;
    this.bar =
        onTerminal
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(BAR_INTERVAL_MILLIS)
                .hideEta()
                .clearDisplayOnFinish()
                .build()
            : null;
  }

  /** Returns true where a person watches: from Java 22 on, a console may be no terminal. */
  @SuppressWarnings("SystemConsoleNull") // what follows handles the change of Java 22
  private static boolean onTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      MethodHandle isTerminal =
          MethodHandles.publicLookup()
              .findVirtual(Console.class, "isTerminal", MethodType.methodType(boolean.class));
      return (boolean) isTerminal.invokeExact(console);
    } catch (NoSuchMethodException e) {
      return true; // before Java 22, where a console is a terminal
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Notes a batch. */
  void trained(int count, double batchLoss) {
    images += count;
    loss = Double.isNaN(loss) ? batchLoss : loss + SMOOTHING * (batchLoss - loss);
    if (bar != null) {
      bar.setExtraMessage(" " + figures());
      bar.stepBy(count);
    } else if (clock.getAsLong() - lastLine >= LINE_INTERVAL) {
      lastLine = clock.getAsLong();
      lines.accept("%s: %s of %s images, %s".formatted(task, images, total, figures()));
    }
  }

  private String figures() {
    return String.format(Locale.ROOT, "loss %.4f, %.0f images/s", loss, imagesPerSecond());
  }

  /** Returns the throughput so far. */
  double imagesPerSecond() {
    return images / ((clock.getAsLong() - start) / SECOND);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
