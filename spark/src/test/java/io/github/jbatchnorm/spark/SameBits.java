package io.github.jbatchnorm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.ExactMoments;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Serving;
import io.github.jbatchnorm.nn.StateFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.ml.linalg.DenseVector;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Statistics, recalibration and scores in a cluster, beside those of one machine. */
final class SameBits {
  private static final int N = 60;

  private SameBits() {}

  /**
   * Fails unless they are the same bits.
   *
   * @param fault what happens to a task of each job
   * @param folder where that is noted down
   */
  static void check(SparkSession session, Faulty.Fault fault, Path folder) throws IOException {
    Sequential expected = Data.trained();
    Serving.recalibrateExactly(expected, List.of(Data.images(N, 1)));
    ExactMoments moments = ExactMoments.none(DType.F32, 2);
    moments.add(Data.images(N, 1), Layout.NCHW);
    Dataset<Row> dataset =
        Data.dataset(session, N, 1)
            .repartition(5)
            .mapPartitions(new Faulty(fault, folder.toString()), Encoders.row(Data.SCHEMA));

    assertThat(PopulationMoments.of(dataset, "floats", Data.SHAPE).toBytes())
        .isEqualTo(moments.toBytes());
    NetworkModel model =
        new Recalibrator()
            .setNetwork(Data.Network.class, Data.trained())
            .setInputShape(Data.SHAPE)
            .setBatchSize(7)
            .fit(dataset);
    assertThat(StateFile.save(model.toNetwork()::visit)).isEqualTo(StateFile.save(expected::visit));
    List<Row> rows = model.transform(dataset).select("id", "output").collectAsList();
    Sequential folded = Serving.folded(expected);
    Tensor y =
        Products.ordered(
            () -> NoAutodiff.call(() -> folded.forward(Data.images(N, 1), Mode.EVALUATION)));
    assertThat(rows).hasSize(N);
    for (Row row : rows) {
      double[] output = new double[y.dim(1)];
      y.storage().read(row.getInt(0) * output.length, output, 0, output.length);
      assertThat(((DenseVector) row.get(1)).values()).isEqualTo(output);
    }
    // Once in each job: the moments, two batch norms, the scores.
    assertThat(Faulty.made(folder)).isEqualTo(fault == Faulty.Fault.NONE ? 0 : 4);
  }
}
