import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.ImageSet;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import io.github.jbatchnorm.spark.NetworkFactory;
import io.github.jbatchnorm.spark.NetworkModel;
import io.github.jbatchnorm.spark.Recalibrator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A network is trained on the driver, recalibrated on the rows of a cluster, scores them by SQL, and is saved. The
 * cluster is two threads of this program; on a real one leave the master to spark-submit.
 */
public class DigitsOnSpark {
  /** What the executors make the network with. */
  public static class Network implements NetworkFactory {
    @Override
    public Sequential create() {
      SplittableRandom random = new SplittableRandom(1);
      BatchNormOptions relu = BatchNormOptions.DEFAULT.withRelu();
      return Sequential.builder()
          .add("conv1", Conv.builder(1, 16, 5, 5).withoutBias().build(random))
          .add("norm1", BatchNorm.builder(16).options(relu).build())
          .add("pool1", x -> Functions.maxPool(x, 2, 2))
          .add("conv2", Conv.builder(16, 32, 5, 5).withoutBias().build(random))
          .add("norm2", BatchNorm.builder(32).options(relu).build())
          .add("pool2", x -> Functions.maxPool(x, 2, 2))
          .add("flat", x -> x.reshape(x.dim(0), -1))
          .add("dense", new Dense(32 * 4 * 4, 10, random))
          .build();
    }
  }

  public static void main(String[] args) throws IOException {
    Sequential trained = train();
    SparkSession spark =
        SparkSession.builder().master("local[2]").config("spark.ui.enabled", false).getOrCreate();
    Dataset<Row> digits = digits(spark, 1000);

    Recalibrator recalibrator =
        new Recalibrator()
            .setNetwork(Network.class, trained)
            .setInputCol("image")
            .setInputShape(1, 28, 28);
    Set<String> different = new HashSet<>();
    NetworkModel model = null;
    for (int partitions : new int[] {1, 2, 7}) {
      model = recalibrator.fit(digits.repartition(partitions));
      different.add(
          model.transform(digits).orderBy("id").select("output").collectAsList().toString());
    }
    System.out.println("different results of 1, 2 and 7 partitions: " + different.size());

    digits.createOrReplaceTempView("digits");
    spark.udf().register("score", model.function(spark));
    Row counts =
        spark
            .sql(
                "SELECT count(*), count_if(array_position(s, array_max(s)) - 1 = label)"
                    + " FROM (SELECT score(image) AS s, label FROM digits)")
            .first();
    System.out.println("rows that SQL scored: " + counts.getLong(0));
    System.out.println("nine tenths recognized: " + (counts.getLong(1) > 900));

    Path folder = Files.createTempDirectory("digits");
    model.write().overwrite().save(folder.toString());
    Row again = NetworkModel.load(folder.toString()).transform(digits).orderBy("id").first();
    Row first = model.transform(digits).orderBy("id").first();
    System.out.println("saved and loaded, the same: " + again.equals(first));
    spark.stop();
  }

  private static Sequential train() {
    Sequential network = new Network().create();
    Adam optimizer = new Adam(network.parameters(), 0.01);
    ImageSet images = ImageSet.draw(2000, 1);
    for (int epoch = 1; epoch <= 3; epoch++) {
      BatchSource batches = images.shuffled(32, 1, 7, epoch);
      for (int i = 0; i < batches.count(); i++) {
        Batch batch = batches.batch(i);
        MemoryScope.run(
            () -> {
              Losses.softmaxCrossentropy(
                      network.forward(batch.x(), Mode.TRAINING), batch.labels())
                  .backward();
              optimizer.step();
            });
      }
    }
    return network;
  }

  /** Rows of an identifier, an image as an array of floats, and what it shows. */
  private static Dataset<Row> digits(SparkSession spark, int count) {
    Batch all = ImageSet.draw(count, 2).inOrder(count).batch(0);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Float[] image = new Float[28 * 28];
      for (int j = 0; j < image.length; j++) {
        image[j] = (float) all.x().storage().get(i * image.length + j);
      }
      rows.add(RowFactory.create(i, image, all.labels()[i]));
    }
    StructType schema =
        new StructType()
            .add("id", DataTypes.IntegerType)
            .add("image", DataTypes.createArrayType(DataTypes.FloatType))
            .add("label", DataTypes.IntegerType);
    return spark.createDataFrame(rows, schema);
  }
}
// Prints:
// different results of 1, 2 and 7 partitions: 1
// rows that SQL scored: 1000
// nine tenths recognized: true
// saved and loaded, the same: true
