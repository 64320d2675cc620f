package io.github.jbatchnorm.cli;

import java.io.Console;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Locale;
import java.util.function.Consumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * The progress of one epoch of one network on standard error: a bar on a terminal, else a line
 * every few seconds.
 */
final class EpochProgress implements AutoCloseable {
  private static final double SMOOTHING = 0.05;
  private static final int BAR_INTERVAL_MILLIS = 200;
  private static final int LINE_INTERVAL_MILLIS = 5000;

  private static final int LINE_WIDTH = 100;

  private final ProgressBar bar;
  private final long start = System.nanoTime();
  private double loss = Double.NaN;
  private long images;

  EpochProgress(String task, long total, Consumer<String> lines) {
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .setStyle(ProgressBarStyle.ASCII)
            .hideEta();
    if (onTerminal()) {
      builder.setUpdateIntervalMillis(BAR_INTERVAL_MILLIS);
    } else {
      builder
          .setUpdateIntervalMillis(LINE_INTERVAL_MILLIS)
          .setConsumer(
              new DelegatingProgressBarConsumer(line -> lines.accept(line.strip()), LINE_WIDTH));
    }
    bar = builder.build();
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
    bar.setExtraMessage(
        String.format(Locale.ROOT, " loss %.4f, %.0f images/s", loss, imagesPerSecond()));
    bar.stepBy(count);
  }

  /** Returns the throughput so far. */
  double imagesPerSecond() {
    return images / ((System.nanoTime() - start) * 1e-9);
  }

  @Override
  public void close() {
    bar.close();
  }
}
