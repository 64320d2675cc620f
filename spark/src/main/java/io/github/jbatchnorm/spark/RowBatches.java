package io.github.jbatchnorm.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Row;

/** The rows of a partition, some at a time. */
final class RowBatches {
  /** Rows that are evaluated together. */
  static final int DEFAULT = 64;

  private final Iterator<Row> rows;
  private final InputColumn input;
  private final int column;
  private final double[] elements;
  private final int size;
  private final List<Row> batch = new ArrayList<>();

  /**
   * Begins before the first batch.
   *
   * @param column the input's index in a row
   * @param size the most rows of a batch
   */
  RowBatches(Iterator<Row> rows, InputColumn input, int column, int size) {
    this.rows = rows;
    this.input = input;
    this.column = column;
    this.size = size;
    this.elements = new double[Math.multiplyExact(size, input.size())];
  }

  /**
   * Goes to the next batch, if there is one.
   *
   * @throws IllegalArgumentException if a row does not fit
   */
  boolean next() {
    batch.clear();
    while (batch.size() < size && rows.hasNext()) {
      Row row = rows.next();
      input.read(row.get(column), elements, batch.size() * input.size());
      batch.add(row);
    }
    return !batch.isEmpty();
  }

  /** Returns the batch's elements, row by row; overwritten by the next one's. */
  double[] elements() {
    return elements;
  }

  /** Returns the number of rows. */
  int count() {
    return batch.size();
  }

  /** Returns the rows. */
  List<Row> rows() {
    return batch;
  }
}
