package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Recalibration;
import io.github.jbatchnorm.nn.Sequential;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.param.IntArrayParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.ml.util.MLWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Recalibrates a trained network's batch norms to the exact statistics of a Dataset ({@link
 * Recalibration}): the same bits however its rows are partitioned and ordered, whichever tasks were
 * run again or twice, and those of one machine. The rows are read once for each batch norm, so
 * cache what is slow to make.
 *
 * <p>Inputs are rounded to f32. Each task uses one thread, and ordered products of matrices ({@code
 * jbatchnorm.matmul}), which do not depend on the type of processor.
 */
public final class Recalibrator extends Estimator<NetworkModel> implements DefaultParamsWritable {
  private static final long serialVersionUID = 1;

  /** Its identifier. */
  private final String uid;

  /** Its parameters. */
  private final NetworkParams params;

  /** What was trained; null until it is set. */
  private @Nullable NetworkState state;

  /** Makes one with an identifier of its own. */
  public Recalibrator() {
    this(Identifiable.randomUID("recalibrator"));
  }

  /**
   * Makes one, as Spark does.
   *
   * @param uid its identifier
   */
  public Recalibrator(String uid) {
    this.uid = Objects.requireNonNull(uid, "uid");
    this.params = new NetworkParams(this);
  }

  /**
   * The network: how it is made, and what was trained, which is copied.
   *
   * @param factory a public class that the executors have, with a public constructor without
   *     arguments
   * @param trained a network that it makes, trained
   * @return this
   * @throws IllegalArgumentException if it is no such class, or does not make such a network, or a
   *     batch norm cannot be folded
   */
  public Recalibrator setNetwork(Class<? extends NetworkFactory> factory, Sequential trained) {
    Objects.requireNonNull(factory, "factory");
    Objects.requireNonNull(trained, "trained");
    NetworkState copied = NetworkState.of(trained);
    params.setNetwork(factory);
    new SharedNetwork(factory.getName(), copied).folded();
    state = copied;
    return this;
  }

  /**
   * The column of inputs: vectors, array&lt;float&gt; or array&lt;double&gt;; "features" by
   * default.
   *
   * @param name of the column
   * @return this
   */
  public Recalibrator setInputCol(String name) {
    set(params.inputCol, Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * The column of outputs, which are vectors; "output" by default.
   *
   * @param name of the column
   * @return this
   */
  public Recalibrator setOutputCol(String name) {
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
  public Recalibrator setInputShape(int... shape) {
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
  public Recalibrator setBatchSize(int rows) {
    params.setBatchSize(rows);
    return this;
  }

  /**
   * {@return a model with the statistics of all rows}
   *
   * @throws IllegalArgumentException if something is not set, there is no such column or it is of
   *     another type, or there are no rows. A row that is null or of another length ends the job
   *     with a message that names the column
   */
  @Override
  public NetworkModel fit(Dataset<?> dataset) {
    Objects.requireNonNull(dataset, "dataset");
    transformSchema(dataset.schema());
    InputColumn input = params.input(dataset.schema());
    String factory = params.get(params.network);
    NetworkState given = state;
    if (given == null) {
      throw new IllegalArgumentException("network: expected a trained network, is not set");
    }
    JavaRDD<Row> rows = input.rows(dataset);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(rows.context());
    Sequential network = new SharedNetwork(factory, given).create();
    Recalibration recalibration = new Recalibration(network);
    while (!recalibration.remaining().isEmpty()) {
      SharedNetwork shared = new SharedNetwork(factory, NetworkState.of(network));
      Broadcast<SharedNetwork> broadcast = context.broadcast(shared);
      try {
        Pass pass = new Pass(broadcast, recalibration.remaining(), input, params.batch());
        byte[] none = recalibration.part().toBytes();
        byte[] all =
            rows.mapPartitions(partition -> List.of(pass.over(partition)).iterator())
                .treeAggregate(none, pass::merge, pass::merge);
        recalibration.finish(recalibration.part(all));
      } finally {
        broadcast.destroy();
      }
    }
    return copyValues(new NetworkModel(uid, NetworkState.of(network)), ParamMap.empty())
        .setParent(this);
  }

  /** A pass over the data, in which the tasks have the network as it is then. */
  private record Pass(
      Broadcast<SharedNetwork> network, List<String> remaining, InputColumn input, int batchSize)
      implements Serializable {
    private Recalibration recalibration() {
      return new Recalibration(network.value().network(), remaining);
    }

    byte[] over(Iterator<Row> partition) {
      Recalibration.Part part = recalibration().part();
      RowBatches batches = new RowBatches(partition, input, 0, batchSize);
      while (batches.next()) {
        SharedNetwork.asTask(
            () -> part.add(input.tensor(DType.F32, batches.elements(), batches.count())));
      }
      return part.toBytes();
    }

    byte[] merge(byte[] one, byte[] other) {
      Recalibration recalibration = recalibration();
      return recalibration.part(one).merge(recalibration.part(other)).toBytes();
    }
  }

  @Override
  public StructType transformSchema(StructType schema) {
    return params.withOutput(schema);
  }

  @Override
  public Recalibrator copy(ParamMap extra) {
    Recalibrator copy = copyValues(new Recalibrator(uid), extra);
    copy.state = state;
    return copy;
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
  public static MLReader<Recalibrator> read() {
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
  public static Recalibrator load(String path) {
    return read().load(path);
  }
}
