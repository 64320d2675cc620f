package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.io.Serializable;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import scala.collection.Seq;

/** A column of rows of one shape: vectors of Spark ML, or arrays of floats or doubles. */
final class InputColumn implements Serializable {
  private static final long serialVersionUID = 1;
  private static final String TYPES = "a vector, an array<float> or an array<double>";

  private final String name;
  private final int[] shape;
  private final int size;

  /**
   * Makes a column.
   *
   * @param name what messages call it
   * @param shape of one row, without the axis of rows
   * @throws IllegalArgumentException if a size is below 1
   */
  InputColumn(String name, int... shape) {
    this.name = name;
    this.shape = shape.clone();
    long product = 1;
    for (int axis : shape) {
      product = axis < 1 || product > Integer.MAX_VALUE ? 0 : product * axis;
    }
    if (product < 1 || product > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "inputShape: expected axes of 1 or more, and fewer than 2^31 elements, got "
              + text(shape));
    }
    size = (int) product;
  }

  String name() {
    return name;
  }

  int[] shape() {
    return shape.clone();
  }

  private static String text(int... shape) {
    return Arrays.stream(shape)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "(", ")"));
  }

  /**
   * Checks that a schema has the column, of a type that can be read.
   *
   * @return the type of its elements, f32 or f64
   * @throws IllegalArgumentException if it has not
   */
  DType check(StructType schema) {
    if (!Arrays.asList(schema.fieldNames()).contains(name)) {
      throw new IllegalArgumentException(
          "%s: expected a column of this name, got %s"
              .formatted(name, String.join(", ", schema.fieldNames())));
    }
    DataType type = schema.apply(name).dataType();
    if (type.equals(SQLDataTypes.VectorType())) {
      return DType.F64;
    }
    if (type instanceof ArrayType array) {
      if (array.elementType().equals(DataTypes.FloatType)) {
        return DType.F32;
      }
      if (array.elementType().equals(DataTypes.DoubleType)) {
        return DType.F64;
      }
    }
    throw new IllegalArgumentException(
        "%s: expected %s, got %s".formatted(name, TYPES, type.catalogString()));
  }

  /** Returns the column's rows, of it alone. */
  JavaRDD<Row> rows(Dataset<?> dataset) {
    return dataset.select(dataset.col("`" + name.replace("`", "``") + "`")).toJavaRDD();
  }

  /** Returns the size of the first axis. */
  int channels() {
    return shape.length == 0 ? 1 : shape[0];
  }

  /** Returns the number of elements of a row. */
  int size() {
    return size;
  }

  /** Returns the first rows of many as a batch, rounded to a dtype, in the open scope. */
  Tensor tensor(DType dtype, double[] elements, int rows) {
    Storage storage = Storage.uninitialized(dtype, (long) rows * size());
    storage.write(0, elements, 0, storage.length());
    int[] batch = new int[shape.length + 1];
    batch[0] = rows;
    System.arraycopy(shape, 0, batch, 1, shape.length);
    return Tensor.constant(storage, batch);
  }

  /**
   * Reads a row.
   *
   * @param value the column's
   * @param into where its elements go, from {@code at} on
   * @throws IllegalArgumentException if it is null, of another type or has another length
   */
  void read(@Nullable Object value, double[] into, int at) {
    if (value instanceof Vector vector) {
      checkSize(vector.size());
      System.arraycopy(vector.toArray(), 0, into, at, size());
    } else if (value instanceof Seq<?> seq) {
      checkSize(seq.size());
      for (int i = 0; i < size(); i++) {
        into[at + i] = number(seq.apply(i), i);
      }
    } else {
      throw new IllegalArgumentException(
          "%s: expected %s, got %s"
              .formatted(name, TYPES, value == null ? "null" : value.getClass().getSimpleName()));
    }
  }

  private void checkSize(int found) {
    if (found != size()) {
      throw new IllegalArgumentException(
          "%s: expected %s elements for shape %s, got %s"
              .formatted(name, size(), text(shape), found));
    }
  }

  private double number(@Nullable Object element, int index) {
    if (element instanceof Float || element instanceof Double) {
      return ((Number) element).doubleValue();
    }
    throw new IllegalArgumentException(
        "%s: expected a float or double for element %s, got %s"
            .formatted(name, index, element == null ? "null" : element.getClass().getSimpleName()));
  }
}
