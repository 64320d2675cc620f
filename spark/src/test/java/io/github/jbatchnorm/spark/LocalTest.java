package io.github.jbatchnorm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.ExactMoments;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Serving;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.linalg.DenseVector;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.ml.param.Param;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two tasks at a time in one process: the bits of one machine, and what is refused. */
class LocalTest {
  private static final int N = 100;

  private static SparkSession session;

  @TempDir private Path folder;

  @BeforeAll
  static void start() {
    session =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", false)
            .config("spark.sql.shuffle.partitions", 3)
            .getOrCreate();
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  /** The same rows in other orders and partitions, some of which are empty. */
  private static List<Dataset<Row>> partitionings(int count) {
    List<Row> rows = new ArrayList<>(Data.rows(count, 1));
    List<Dataset<Row>> all = new ArrayList<>();
    for (int partitions : new int[] {1, 2, 7, count + 3}) {
      Collections.shuffle(rows, new Random(partitions));
      all.add(session.createDataFrame(List.copyOf(rows), Data.SCHEMA).repartition(partitions));
    }
    return all;
  }

  private static Recalibrator recalibrator() {
    return new Recalibrator()
        .setNetwork(Data.Network.class, Data.trained())
        .setInputShape(Data.SHAPE);
  }

  /** What one machine makes of the same rows, all in one batch. */
  private static Sequential expectedNetwork() {
    Sequential expected = Data.trained();
    Serving.recalibrateExactly(expected, List.of(Data.images(N, 1)));
    return expected;
  }

  private static double[][] expectedOutputs(Sequential network) {
    Sequential folded = Serving.folded(network);
    Tensor y =
        Products.ordered(
            () -> NoAutodiff.call(() -> folded.forward(Data.images(N, 1), Mode.EVALUATION)));
    double[][] rows = new double[N][y.dim(1)];
    for (int i = 0; i < N; i++) {
      y.storage().read(i * y.dim(1), rows[i], 0, y.dim(1));
    }
    return rows;
  }

  private static double[][] outputs(Dataset<Row> scored) {
    double[][] rows = new double[N][];
    for (Row row : scored.select("id", "output").collectAsList()) {
      rows[row.getInt(0)] = ((DenseVector) row.get(1)).values();
    }
    return rows;
  }

  private static Map<String, Stored> state(Sequential network) {
    return StateFile.save(network::visit);
  }

  @Test
  void momentsAreThoseOfOneMachineWhateverThePartitions() {
    ExactMoments expected = ExactMoments.none(DType.F32, 2);
    expected.add(Data.images(N, 1), Layout.NCHW);
    for (Dataset<Row> dataset : partitionings(N)) {
      ExactMoments found = PopulationMoments.of(dataset, "floats", Data.SHAPE);
      assertThat(found.toBytes()).isEqualTo(expected.toBytes());
      ExactMoments ofVectors = PopulationMoments.of(dataset, "features", Data.SHAPE);
      assertThat(ofVectors.dtype()).isEqualTo(DType.F64);
      assertThat(ofVectors.mean(DType.F64)).isEqualTo(expected.mean(DType.F64));
      assertThat(ofVectors.var(DType.F64)).isEqualTo(expected.var(DType.F64));
    }
    assertThat(PopulationMoments.of(dataset().limit(0), "floats", 2, 36).count()).isZero();
  }

  @Test
  void recalibrationIsThatOfOneMachineWhateverThePartitions() {
    Map<String, Stored> expected = state(expectedNetwork());
    int batchSize = 1;
    for (Dataset<Row> dataset : partitionings(N)) {
      NetworkModel model = recalibrator().setBatchSize(batchSize).fit(dataset);
      assertThat(state(model.toNetwork())).isEqualTo(expected);
      batchSize = batchSize * 5 + 2;
    }
    NetworkModel ofFloats = recalibrator().setInputCol("floats").fit(dataset());
    assertThat(state(ofFloats.toNetwork())).isEqualTo(expected);
  }

  @Test
  void scoresAreThoseOfOneMachineWhateverThePartitions() {
    Sequential network = expectedNetwork();
    double[][] expected = expectedOutputs(network);
    NetworkModel model = NetworkModel.of(Data.Network.class, network).setInputShape(Data.SHAPE);
    int batchSize = 1;
    for (Dataset<Row> dataset : partitionings(N)) {
      assertThat(outputs(model.setBatchSize(batchSize).transform(dataset))).isDeepEqualTo(expected);
      batchSize = batchSize * 5 + 2;
    }
    assertThat(model.transform(dataset()).columns())
        .containsExactly("id", "features", "floats", "output");
  }

  @Test
  void sqlAndColumnsGetTheSameBits() {
    Sequential network = expectedNetwork();
    double[][] expected = expectedOutputs(network);
    NetworkModel model = NetworkModel.of(Data.Network.class, network).setInputShape(Data.SHAPE);
    session.udf().register("score", model.function(session));
    dataset().createOrReplaceTempView("images");
    for (String column : List.of("features", "floats")) {
      List<Row> rows =
          session.sql("SELECT id, score(" + column + ") AS output FROM images").collectAsList();
      assertThat(rows).hasSize(N);
      for (Row row : rows) {
        double[] output = row.<Double>getList(1).stream().mapToDouble(d -> d).toArray();
        assertThat(output).isEqualTo(expected[row.getInt(0)]);
      }
    }
  }

  @Test
  void estimatorModelAndPipelineAreSavedAndLoaded() throws IOException {
    Recalibrator estimator = recalibrator().setOutputCol("output").setBatchSize(9);
    String path = folder.resolve("estimator").toString();
    estimator.save(path);
    Recalibrator loaded = Recalibrator.load(path);
    assertThat(loaded.uid()).isEqualTo(estimator.uid());
    for (Param<?> param : estimator.params()) {
      Object value = loaded.getOrDefault(loaded.getParam(param.name()));
      assertThat(value).as(param.name()).isEqualTo(estimator.getOrDefault(param));
    }

    PipelineModel fitted = new Pipeline().setStages(new PipelineStage[] {loaded}).fit(dataset());
    double[][] expected = expectedOutputs(expectedNetwork());
    assertThat(outputs(fitted.transform(dataset()))).isDeepEqualTo(expected);
    String file = folder.resolve("pipeline").toString();
    fitted.write().overwrite().save(file);
    fitted.write().overwrite().save(file);
    assertThatThrownBy(() -> fitted.write().save(file)).isInstanceOf(IOException.class);
    PipelineModel again = PipelineModel.load(file);
    assertThat(outputs(again.transform(dataset()))).isDeepEqualTo(expected);
    NetworkModel model = (NetworkModel) again.stages()[0];
    assertThat(state(model.toNetwork())).isEqualTo(state(expectedNetwork()));
    assertThat(outputs(model.copy(model.extractParamMap()).transform(dataset())))
        .isDeepEqualTo(expected);
  }

  private static Dataset<Row> dataset() {
    return Data.dataset(session, N, 1);
  }

  private static void refused(Runnable action, String message) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void whatCannotBeIsRefusedBeforeAJobBegins() {
    Dataset<Row> dataset = dataset();
    refused(
        () -> recalibrator().setInputCol("pixels").fit(dataset),
        "pixels: expected a column of this name, got id, features, floats");
    refused(
        () -> recalibrator().setInputCol("id").fit(dataset),
        "id: expected a vector, an array<float> or an array<double>, got int");
    refused(
        () -> PopulationMoments.of(dataset.selectExpr("array(1L) AS x"), "x", 1),
        "x: expected a vector, an array<float> or an array<double>, got array<bigint>");
    refused(
        () -> recalibrator().setOutputCol("id").fit(dataset),
        "outputCol: expected a new column, got id, which is there");
    refused(
        () -> recalibrator().setInputShape(2, 0),
        "inputShape: expected axes of 1 or more, and fewer than 2^31 elements, got (2, 0)");
    refused(() -> recalibrator().setBatchSize(0), "batchSize: expected 1 or more, got 0");
    refused(
        () -> new Recalibrator().fit(dataset),
        "inputShape: expected the shape of one row, without its axis, is not set");
    refused(
        () -> new Recalibrator().setInputShape(Data.SHAPE).fit(dataset),
        "network: expected the name of the NetworkFactory's class, is not set");
    refused(() -> recalibrator().fit(dataset.limit(0)), "all: expected data, got none");
    refused(
        () -> NetworkModel.of(Hidden.class, Data.trained()),
        "network: expected a public class that implements NetworkFactory, with a public"
            + " constructor without arguments, got "
            + Hidden.class.getName());
    refused(
        () -> new Recalibrator().setNetwork(Other.class, Data.trained()),
        "conv.weight: no such tensor here");
    refused(
        () -> new Recalibrator().setNetwork(Unfoldable.class, new Unfoldable().create()),
        "model: batch norm norm cannot be folded: no convolution or dense layer lies right before"
            + " it in a Sequential");
  }

  /** Has a batch norm with nothing before it. */
  public static final class Unfoldable implements NetworkFactory {
    @Override
    public Sequential create() {
      return Sequential.builder().add("norm", new BatchNorm(2, 1e-5)).build();
    }
  }

  /** Not public. */
  private static final class Hidden implements NetworkFactory {
    @Override
    public Sequential create() {
      return Data.trained();
    }
  }

  /** Makes another network. */
  public static final class Other implements NetworkFactory {
    @Override
    public Sequential create() {
      return Sequential.builder().build();
    }
  }

  private static Dataset<Row> with(Row row) {
    List<Row> rows = new ArrayList<>(Data.rows(3, 1));
    rows.add(row);
    return session.createDataFrame(rows, Data.SCHEMA).repartition(2);
  }

  private static void failsWith(Runnable action, String message) {
    assertThatThrownBy(action::run)
        .rootCause()
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void aRowThatDoesNotFitIsNamed() {
    Dataset<Row> missing = with(RowFactory.create(3, null, null));
    Dataset<Row> shorter =
        with(RowFactory.create(3, Vectors.dense(1, 2), Arrays.asList(1f, null, 2f)));
    Float[] hole = new Float[Data.SIZE];
    Arrays.fill(hole, 1f);
    hole[5] = null;
    Dataset<Row> holed = with(RowFactory.create(3, Vectors.zeros(Data.SIZE), hole));
    NetworkModel model =
        NetworkModel.of(Data.Network.class, Data.trained()).setInputShape(Data.SHAPE);
    String types = "a vector, an array<float> or an array<double>";
    String none = "features: expected " + types + ", got null";
    failsWith(() -> recalibrator().fit(missing), none);
    failsWith(() -> model.transform(missing).collectAsList(), none);
    failsWith(() -> PopulationMoments.of(missing, "features", 72), none);
    String length = "features: expected 72 elements for shape (2, 6, 6), got 2";
    failsWith(() -> recalibrator().fit(shorter), length);
    failsWith(() -> model.transform(shorter).collectAsList(), length);
    failsWith(
        () -> PopulationMoments.of(holed, "floats", 72),
        "floats: expected a float or double for element 5, got null");
    session.udf().register("score", model.function(session));
    for (Map.Entry<String, String> call :
        Map.of(
                "NULL",
                "expected " + types + ", got null",
                "'text'",
                "expected " + types + ", got String",
                "array(1.5D)",
                "expected 72 elements for shape (2, 6, 6), got 1")
            .entrySet()) {
      failsWith(
          () -> session.sql("SELECT score(" + call.getKey() + ")").collectAsList(),
          "argument: " + call.getValue());
    }
  }
}
