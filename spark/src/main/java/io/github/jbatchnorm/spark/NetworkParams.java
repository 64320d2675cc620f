package io.github.jbatchnorm.spark;

import java.io.Serializable;
import java.util.Arrays;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.param.IntArrayParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.Params;
import org.apache.spark.sql.types.StructType;

/** The parameters that estimator and model have in common; each belongs to one stage. */
final class NetworkParams implements Serializable {
  private static final long serialVersionUID = 1;

  private final Params stage;
  final Param<String> network;
  final Param<String> inputCol;
  final Param<String> outputCol;
  final IntArrayParam inputShape;
  final IntParam batchSize;

  NetworkParams(Params stage) {
    this.stage = stage;
    network = new Param<>(stage, "network", "the name of the NetworkFactory's class");
    inputCol = new Param<>(stage, "inputCol", "the column of the network's inputs");
    outputCol = new Param<>(stage, "outputCol", "the column of the network's outputs, vectors");
    inputShape = new IntArrayParam(stage, "inputShape", "the shape of one row, without its axis");
    batchSize = new IntParam(stage, "batchSize", "the most rows that are evaluated together");
    stage.setDefault(inputCol, "features");
    stage.setDefault(outputCol, "output");
    stage.setDefault(batchSize, RowBatches.DEFAULT);
  }

  void setNetwork(Class<? extends NetworkFactory> factory) {
    SharedNetwork.factory(factory.getName());
    stage.set(network, factory.getName());
  }

  void setInputShape(int... shape) {
    stage.set(inputShape, new InputColumn("inputShape", shape).shape());
  }

  void setBatchSize(int rows) {
    if (rows < 1) {
      throw new IllegalArgumentException("batchSize: expected 1 or more, got " + rows);
    }
    stage.set(batchSize, (Object) rows);
  }

  <T> T get(Param<T> param) {
    if (!stage.isDefined(param)) {
      throw new IllegalArgumentException(
          "%s: expected %s, is not set".formatted(param.name(), param.doc()));
    }
    return stage.getOrDefault(param);
  }

  int batch() {
    return (Integer) get(batchSize);
  }

  /** Returns the input's column, as a schema has it. */
  InputColumn input(StructType schema) {
    InputColumn input = new InputColumn(get(inputCol), get(inputShape));
    input.check(schema);
    return input;
  }

  /**
   * Returns a schema with the output's column at its end.
   *
   * @throws IllegalArgumentException if it has one of its name, or the input's does not fit
   */
  StructType withOutput(StructType schema) {
    input(schema);
    String output = get(outputCol);
    if (Arrays.asList(schema.fieldNames()).contains(output)) {
      throw new IllegalArgumentException(
          "outputCol: expected a new column, got %s, which is there".formatted(output));
    }
    return schema.add(output, SQLDataTypes.VectorType(), false);
  }
}
