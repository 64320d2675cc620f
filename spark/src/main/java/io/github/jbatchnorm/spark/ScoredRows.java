package io.github.jbatchnorm.spark;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** The rows of a partition with a network's outputs behind their values. */
final class ScoredRows implements Iterator<Row> {
  private final SharedNetwork network;
  private final RowBatches batches;
  private final InputColumn input;
  private final Queue<Row> scored = new ArrayDeque<>();

  ScoredRows(SharedNetwork network, RowBatches batches, InputColumn input) {
    this.network = network;
    this.batches = batches;
    this.input = input;
  }

  @Override
  public boolean hasNext() {
    if (scored.isEmpty() && batches.next()) {
      double[][] outputs = network.evaluate(input, batches.elements(), batches.count());
      for (int i = 0; i < outputs.length; i++) {
        Row row = batches.rows().get(i);
        Object[] values = new Object[row.size() + 1];
        for (int column = 0; column < row.size(); column++) {
          values[column] = row.get(column);
        }
        values[row.size()] = Vectors.dense(outputs[i]);
        scored.add(RowFactory.create(values));
      }
    }
    return !scored.isEmpty();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return scored.remove();
  }
}
