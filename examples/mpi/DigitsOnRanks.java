import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.mpi.MpiCommunicator;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.DataParallel;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.ImageSet;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;

/** Trains a small network on drawn digits, each rank with its share of every batch. */
public class DigitsOnRanks {
  private static final int BATCH = 128;

  static Sequential model(Communicator ranks) {
    SplittableRandom random = new SplittableRandom(1);
    BatchNormOptions relu = new BatchNormOptions(Layout.NCHW, 1e-5, 0);
    return Sequential.builder()
        .add(
            "conv",
            Conv.builder(1, 16, 3, 3)
                .options(ConvOptions.DEFAULT.withPadding(1))
                .withoutBias()
                .build(random))
        .add("norm", BatchNorm.builder(16).options(relu).synchronizedBy(ranks).build())
        .add("pool", x -> Functions.maxPool(x, 4, 4))
        .add("flatten", x -> x.reshape(x.dim(0), 16 * 7 * 7))
        .add("out", new Dense(16 * 7 * 7, 10, random))
        .build();
  }

  /** Where rank's samples begin, of so many. */
  static int from(int samples, int rank, Communicator ranks) {
    return (int) ((long) samples * rank / ranks.size());
  }

  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 3;
    Path file = Path.of(args.length > 1 ? args[1] : "digits.safetensors");
    ImageSet digits = ImageSet.draw(args.length > 2 ? Integer.parseInt(args[2]) : 4096, 5);
    MpiCommunicator.run(ranks -> train(ranks, digits, epochs, file));
  }

  static void train(Communicator ranks, ImageSet digits, int epochs, Path file)
      throws IOException {
    Sequential model = model(ranks);
    DataParallel parallel = new DataParallel(model, ranks);
    Adam optimizer = new Adam(model.parameters(), 0.005);
    for (int epoch = 1; epoch <= epochs; epoch++) {
      long start = System.nanoTime();
      BatchSource source = digits.shuffled(BATCH, 2, 7, epoch); // the same order on all ranks
      Storage loss = Storage.allocate(DType.F64, 1);
      for (int i = 0; i < source.count(); i++) {
        Batch batch = source.batch(i);
        int begin = from(batch.size(), ranks.rank(), ranks);
        int end = from(batch.size(), ranks.rank() + 1, ranks);
        Tensor x = batch.x().slice(Index.range(begin, end));
        int[] labels = Arrays.copyOfRange(batch.labels(), begin, end);
        Tensor mean = Losses.softmaxCrossentropy(model.forward(x, Mode.TRAINING), labels);
        Tensor share = parallel.share(mean, labels.length);
        parallel.backward(share);
        optimizer.step();
        loss.set(0, loss.get(0) + share.item() / source.count());
      }
      ranks.sum(loss);
      if (ranks.rank() == 0) {
        new Safetensors(StateFile.save(model::visit), Map.of("epoch", "" + epoch)).write(file);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
            "%d ranks, epoch %d: loss %.6f, %.0f images/s%n",
            ranks.size(), epoch, loss.get(0), digits.count() / seconds);
      }
    }
  }
}
