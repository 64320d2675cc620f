package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.batchnorm.ExactMoments;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** The exact mean and variance of a column of a Dataset, whatever its partitions are. */
public final class PopulationMoments {
  private PopulationMoments() {}

  /**
   * {@return the moments of each channel over all rows: the same bits however the rows are
   * partitioned and ordered, whichever tasks were run again or twice} An array of floats counts as
   * f32; vectors and arrays of doubles as f64.
   *
   * @param dataset the rows
   * @param column vectors of Spark ML, arrays of floats or arrays of doubles
   * @param shape of one row, (C, ...): {@code shape} numbers a row in that order
   * @throws IllegalArgumentException if there is no such column, or it is of another type. A row
   *     that is null or of another length ends the job with a message that names the column
   */
  public static ExactMoments of(Dataset<?> dataset, String column, int... shape) {
    Objects.requireNonNull(dataset, "dataset");
    Objects.requireNonNull(column, "column");
    Objects.requireNonNull(shape, "shape");
    InputColumn input = new InputColumn(column, shape);
    DType dtype = input.check(dataset.schema());
    byte[] none = ExactMoments.none(dtype, input.channels()).toBytes();
    return ExactMoments.of(
        input
            .rows(dataset)
            .mapPartitions(rows -> List.of(of(rows, input, none)).iterator())
            .treeAggregate(none, PopulationMoments::merge, PopulationMoments::merge));
  }

  private static byte[] of(Iterator<Row> rows, InputColumn input, byte[] none) {
    ExactMoments moments = ExactMoments.of(none);
    RowBatches batches = new RowBatches(rows, input, 0, RowBatches.DEFAULT);
    while (batches.next()) {
      SharedNetwork.asTask(
          () ->
              moments.add(
                  input.tensor(moments.dtype(), batches.elements(), batches.count()), Layout.NCHW));
    }
    return moments.toBytes();
  }

  private static byte[] merge(byte[] one, byte[] other) {
    return ExactMoments.of(one).merge(ExactMoments.of(other)).toBytes();
  }
}
