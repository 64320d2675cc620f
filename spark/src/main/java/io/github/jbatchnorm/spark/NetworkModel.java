package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.nn.Sequential;
import java.util.Iterator;
import java.util.Objects;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.ml.Model;
import org.apache.spark.ml.param.IntArrayParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.ml.util.MLWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates a network, its batch norms folded into the weights before them, on the rows of a
 * Dataset: the same bits on every executor, whichever rows are evaluated together. The network is
 * broadcast once, and made once in each executor.
 *
 * <p>Inputs are rounded to f32. Each task uses one thread, and ordered products of matrices ({@code
 * jbatchnorm.matmul}), which do not depend on the type of processor.
 */
public final class NetworkModel extends Model<NetworkModel> implements DefaultParamsWritable {
  private static final long serialVersionUID = 1;

  /** Its identifier. */
  private final String uid;

  /** Its parameters. */
  private final NetworkParams params;

  /** What was trained; null until it is set. */
  private @Nullable NetworkState state;

  private transient @Nullable Shared shared;

  /** A network, and whose executors have it. */
  private record Shared(SparkContext context, Broadcast<SharedNetwork> network) {}

  /**
   * Makes a model without a network, as Spark does before it sets what was saved.
   *
   * @param uid its identifier
   */
  public NetworkModel(String uid) {
    this.uid = Objects.requireNonNull(uid, "uid");
    this.params = new NetworkParams(this);
  }

  NetworkModel(String uid, NetworkState state) {
    this(uid);
    this.state = state;
  }

  /**
   * {@return a model of a trained network}
   *
   * @param factory a public class that the executors have, with a public constructor without
   *     arguments
   * @param trained a network that it makes, trained; copied
   * @throws IllegalArgumentException if it is no such class, or does not make such a network, or a
   *     batch norm cannot be folded
   */
  public static NetworkModel of(Class<? extends NetworkFactory> factory, Sequential trained) {
    Objects.requireNonNull(factory, "factory");
    Objects.requireNonNull(trained, "trained");
    NetworkModel model =
        new NetworkModel(Identifiable.randomUID("network"), NetworkState.of(trained));
    model.params.setNetwork(factory);
    model.toShare().folded();
    return model;
  }

  /**
   * The column of inputs: vectors, array&lt;float&gt; or array&lt;double&gt;; "features" by
   * default.
   *
   * @param name of the column
   * @return this
   */
  public NetworkModel setInputCol(String name) {
    set(params.inputCol, Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * The column of outputs, which are vectors; "output" by default.
   *
   * @param name of the column
   * @return this
   */
  public NetworkModel setOutputCol(String name) {
    set(params.outputCol, Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * The shape of one row, as the network has it without its first axis.
   *
   * @param shape such as (784) or (3, 32, 32)
   * @return this
   * @throws IllegalArgumentException if a size is below 1
   */
  public NetworkModel setInputShape(int... shape) {
    params.setInputShape(Objects.requireNonNull(shape, "shape"));
    return this;
  }

  /**
   * How many rows are evaluated together, which changes no bit; 64 by default.
   *
   * @param rows 1 or more
   * @return this
   * @throws IllegalArgumentException if it is not
   */
  public NetworkModel setBatchSize(int rows) {
    params.setBatchSize(rows);
    return this;
  }

  private SharedNetwork toShare() {
    NetworkState known = state;
    if (known == null) {
      throw new IllegalArgumentException("network: expected a trained network, is not set");
    }
    return new SharedNetwork(params.get(params.network), known);
  }

  private synchronized Broadcast<SharedNetwork> broadcast(SparkSession session) {
    Shared known = shared;
    if (known == null || known.context != session.sparkContext()) {
      JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
      known = new Shared(session.sparkContext(), context.broadcast(toShare()));
      shared = known;
    }
    return known.network;
  }

  /** {@return the network itself, with its batch norms: a copy, to save or to train further} */
  public Sequential toNetwork() {
    return toShare().create();
  }

  /**
   * {@return the rows with the network's outputs in a column more}
   *
   * @throws IllegalArgumentException if something is not set, there is no such column, it is of
   *     another type, or the output's is there already. A row that is null or of another length
   *     ends the job with a message that names the column
   */
  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    Objects.requireNonNull(dataset, "dataset");
    StructType schema = dataset.schema();
    StructType result = transformSchema(schema);
    InputColumn input = params.input(schema);
    Broadcast<SharedNetwork> network = broadcast(dataset.sparkSession());
    int column = schema.fieldIndex(input.name());
    int batchSize = params.batch();
    return dataset
        .toDF()
        .mapPartitions(
            (Iterator<Row> rows) ->
                new ScoredRows(
                    network.value(), new RowBatches(rows, input, column, batchSize), input),
            Encoders.row(result));
  }

  /**
   * {@return the network as a function of one column, for {@code withColumn} and, by {@code
   * session.udf().register("score", model.function(session))}, for SQL} It takes what the column of
   * inputs may be, and returns array&lt;double&gt;; one row at a time, so that {@link #transform}
   * is faster.
   *
   * @param session where it will be used
   * @throws IllegalArgumentException if something is not set
   */
  public UserDefinedFunction function(SparkSession session) {
    Objects.requireNonNull(session, "session");
    InputColumn input = new InputColumn("argument", params.get(params.inputShape));
    Broadcast<SharedNetwork> network = broadcast(session);
    UDF1<Object, double[]> function =
        value -> {
          double[] elements = new double[input.size()];
          input.read(value, elements, 0);
          return network.value().evaluate(input, elements, 1)[0];
        };
    return functions.udf(function, DataTypes.createArrayType(DataTypes.DoubleType, false));
  }

  @Override
  public StructType transformSchema(StructType schema) {
    return params.withOutput(schema);
  }

  @Override
  public NetworkModel copy(ParamMap extra) {
    NetworkModel copy = copyValues(new NetworkModel(uid), extra);
    copy.state = state;
    return copy.setParent(parent());
  }

  @Override
  public String uid() {
    return uid;
  }

  /** {@return the parameter of the network's class} */
  public Param<String> network() {
    return params.network;
  }

  /** {@return the parameter of the column of inputs} */
  public Param<String> inputCol() {
    return params.inputCol;
  }

  /** {@return the parameter of the column of outputs} */
  public Param<String> outputCol() {
    return params.outputCol;
  }

  /** {@return the parameter of the shape of one row} */
  public IntArrayParam inputShape() {
    return params.inputShape;
  }

  /** {@return the parameter of the number of rows that are evaluated together} */
  public IntParam batchSize() {
    return params.batchSize;
  }

  /** {@return what saves the parameters and the network, in safetensors} */
  @Override
  public MLWriter write() {
    return new StateWriter(DefaultParamsWritable.super.write(), state);
  }

  /** {@return what loads what {@link #write} saved} */
  public static MLReader<NetworkModel> read() {
    return new StateReader<>(
        (loaded, found) -> {
          loaded.state = found;
          return loaded;
        });
  }

  /**
   * {@return what was saved}
   *
   * @param path where
   */
  public static NetworkModel load(String path) {
    return read().load(path);
  }
}
