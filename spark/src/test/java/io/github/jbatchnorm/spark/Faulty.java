package io.github.jbatchnorm.spark;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;

/**
 * Hands rows on; in one partition something happens the first time in each stage, in the midst of
 * them.
 *
 * @param fault what happens
 * @param folder where it is noted down that it has happened, which all processes see
 */
public record Faulty(Faulty.Fault fault, String folder) implements MapPartitionsFunction<Row, Row> {
  private static final int PARTITION = 1;
  private static final long PAUSE = 20; // ms

  /** What can happen to a task. */
  public enum Fault {
    /** Nothing. */
    NONE,
    /** It throws. */
    THROWS,
    /** Its process ends. */
    PROCESS_ENDS,
    /** It goes on only when a copy of it has begun elsewhere. */
    WAITS_FOR_COPY
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) throws IOException {
    TaskContext task = TaskContext.get();
    boolean now = false;
    if (task.partitionId() == PARTITION && fault != Fault.NONE) {
      now = isFirst(fault + "-" + task.stageId());
      if (!now) {
        isFirst(fault + "-" + task.stageId() + "-again");
      }
    }
    return new Rows(rows, now ? this : null, task.stageId());
  }

  /** Returns whether a file was not there yet. */
  private boolean isFirst(String name) throws IOException {
    try {
      Files.createFile(Path.of(folder, name));
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }

  /** Returns how often it has happened and was made up for. */
  static long made(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith("-again")).count();
    }
  }

  private void happen(int stage) {
    switch (fault) {
      case NONE -> {}
      case THROWS -> throw new IllegalStateException("on purpose");
      case PROCESS_ENDS -> Runtime.getRuntime().halt(1);
      case WAITS_FOR_COPY -> {
        Path copy = Path.of(folder, fault + "-" + stage + "-again");
        try {
          while (!Files.exists(copy)) {
            Thread.sleep(PAUSE);
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt(); // the copy was faster
          throw new IllegalStateException(e);
        }
      }
    }
  }

  /** The rows of a partition, after the first of which the fault happens. */
  private static final class Rows implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final Faulty faulty;
    private final int stage;
    private int count;

    Rows(Iterator<Row> rows, Faulty faulty, int stage) {
      this.rows = rows;
      this.faulty = faulty;
      this.stage = stage;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Row next() {
      count++;
      if (count == 2 && faulty != null) {
        faulty.happen(stage);
      }
      return rows.next();
    }
  }
}
