package io.github.jbatchnorm.nn.io;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Reads changed files of every format: each is read, or refused by an IOException that names the
 * file in one printable line. Anything else is printed, and the file kept.
 *
 * <p>Arguments: files of each format, a seed, a folder; and, for a long run, the milliseconds of a
 * processor's time that one file may take. With little heap, as with -Xmx128m.
 */
final class HostileFiles {
  private static final int EXAMPLES = 40;

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private final Path folder;
  private final long most; // nanoseconds
  private int accepted;
  private int refused;
  private long slowest;

  private HostileFiles(Path folder, long most) {
    this.folder = folder;
    this.most = most;
  }

  public static void main(String[] args) throws IOException {
    int count = Integer.parseInt(args[0]);
    long seed = Long.parseLong(args[1]);
    Path folder = Path.of(args[2]);
    long most = args.length > 3 ? Long.parseLong(args[3]) * 1_000_000 : Long.MAX_VALUE;
    int faults = 0;
    for (HostileFormat format : HostileFormat.values()) {
      HostileFiles run = new HostileFiles(folder, most);
      faults += run.changed(format, count, new SplittableRandom(seed)) ? 0 : 1;
      System.out.printf(
          Locale.ROOT,
          "%s: %d files, %d read, %d refused, slowest %d ms%n",
          format,
          count,
          run.accepted,
          run.refused,
          run.slowest / 1_000_000);
    }
    System.exit(faults == 0 ? 0 : 1);
  }

  private boolean changed(HostileFormat format, int count, SplittableRandom random)
      throws IOException {
    List<byte[]> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(format.example(random, folder));
    }
    for (int i = 0; i < count; i++) {
      byte[] bytes = format.changed(examples.get(random.nextInt(EXAMPLES)), random);
      Path file = folder.resolve("changed" + format.suffix);
      Files.write(file, bytes);
      String problem = problem(format, file);
      if (problem != null) {
        Path kept = folder.resolve("found-" + format + "-" + i + format.suffix);
        Files.write(kept, bytes);
        System.out.printf(Locale.ROOT, "%s: %s%n", kept, problem);
        return false;
      }
    }
    return true;
  }

  /** Reads a file; returns what was wrong with how it went, or null. */
  private String problem(HostileFormat format, Path file) {
    long before = threads.getCurrentThreadCpuTime();
    String problem = null;
    try {
      format.read(file, folder);
      accepted++;
    } catch (IOException e) {
      refused++;
      problem = problem(e, file);
    } catch (RuntimeException | Error e) { // what must not come is what is looked for
      StringWriter text = new StringWriter();
      e.printStackTrace(new PrintWriter(text, true));
      problem = text.toString();
    }
    long took = threads.getCurrentThreadCpuTime() - before;
    slowest = Math.max(slowest, took);
    return problem != null || took <= most ? problem : "took " + took / 1_000_000 + " ms";
  }

  static String problem(IOException e, Path file) {
    String message = String.valueOf(e.getMessage());
    boolean named = message.contains(file.getFileName().toString());
    boolean printable = message.chars().noneMatch(Character::isISOControl);
    return named && printable ? null : "not a line that names the file: " + e;
  }
}
