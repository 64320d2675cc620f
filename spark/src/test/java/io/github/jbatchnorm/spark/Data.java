package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** A small network, and rows for it. */
public final class Data {
  static final int[] SHAPE = {2, 6, 6};
  static final int SIZE = 72;
  static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.IntegerType)
          .add("features", SQLDataTypes.VectorType())
          .add("floats", DataTypes.createArrayType(DataTypes.FloatType));

  private Data() {}

  /** Makes the network. */
  public static final class Network implements NetworkFactory {
    @Override
    public Sequential create() {
      SplittableRandom random = new SplittableRandom(1);
      BatchNormOptions relu = BatchNormOptions.DEFAULT.withRelu();
      return Sequential.builder()
          .add("conv", Conv.builder(2, 5, 3, 3).withoutBias().build(random))
          .add("norm1", BatchNorm.builder(5).options(relu).build())
          .add("flat", x -> x.reshape(x.dim(0), -1))
          .add("dense", new Dense(5 * 16, 7, random))
          .add("norm2", BatchNorm.builder(7).options(relu).build())
          .add("last", new Dense(7, 3, random))
          .build();
    }
  }

  /** Returns a network whose parameters and statistics are not those it is made with. */
  static Sequential trained() {
    Sequential network = new Network().create();
    network.forward(images(20, 7), Mode.TRAINING);
    network
        .parameters()
        .values()
        .forEach(
            parameter ->
                parameter.update(
                    values -> {
                      for (int i = 0; i < values.length(); i++) {
                        values.set(i, values.get(i) * 1.25 + 0.01 * i);
                      }
                    }));
    return network;
  }

  static float[] floats(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count * SIZE];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (3 + random.nextGaussian());
    }
    return values;
  }

  static Tensor images(int count, long seed) {
    return Tensor.of(floats(count, seed), count, 2, 6, 6).asConstant();
  }

  /** Returns the images as rows: id, a vector, an array of floats. */
  static List<Row> rows(int count, long seed) {
    float[] values = floats(count, seed);
    List<Row> rows = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      double[] vector = new double[SIZE];
      Float[] array = new Float[SIZE];
      for (int i = 0; i < SIZE; i++) {
        array[i] = values[row * SIZE + i];
        vector[i] = array[i];
      }
      rows.add(RowFactory.create(row, Vectors.dense(vector), array));
    }
    return rows;
  }

  static Dataset<Row> dataset(SparkSession session, int count, long seed) {
    return session.createDataFrame(rows(count, seed), SCHEMA);
  }
}
