package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.ImageSet;
import io.github.jbatchnorm.platform.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains the demo network with and without batch normalization, side by side. */
@Command(
    name = "train",
    description =
        "Train a small convolutional network with and without batch normalization, on digits that"
            + " the program draws, on MNIST or on CIFAR.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true)
final class TrainCommand implements Callable<Integer> {
  private static final int DRAWN_TRAIN = 2_500;
  private static final int DRAWN_TEST = 1_000;
  private static final int TEST_BATCH = 500;

  /** Keeps the drawn test images apart from every training set. */
  private static final long TEST_SEED = 0x7E57L << 32;

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "folder with MNIST's four IDX files, plain or .gz, or with CIFAR-10's or CIFAR-100's"
              + " binary ones (default: drawn digits)")
  private @Nullable Path data;

  @Option(
      names = "--labels",
      defaultValue = "fine",
      description = "CIFAR-100's classes: fine (100) or coarse (20)")
  private CifarFiles.Labels labels = CifarFiles.Labels.FINE;

  @Option(
      names = "--optimizer",
      defaultValue = "sgd",
      description = "one of ${COMPLETION-CANDIDATES}")
  private OptimizerChoice optimizer = OptimizerChoice.SGD;

  @Option(names = "--momentum", defaultValue = "0.9", description = "of sgd, 0 to less than 1")
  private double momentum;

  @Option(names = "--lr", description = "learning rate (default: 0.01 for sgd, 0.001 for adam)")
  private @Nullable Double learningRate;

  @Option(
      names = "--lr-decay",
      defaultValue = "0.6",
      description = "factor of the learning rate from epoch to epoch, more than 0 to 1")
  private double decay;

  @Option(
      names = "--dtype",
      defaultValue = "f32",
      description = "of what the layers compute, f32, bf16 or f16; parameters are f32")
  private DType dtype = DType.F32;

  @Option(names = "--batch-size", defaultValue = "32", description = "images a step")
  private int batchSize;

  @Option(names = "--epochs", defaultValue = "5", description = "times through the images")
  private int epochs;

  @Option(
      names = "--shift",
      defaultValue = "1",
      description = "the most pixels that a grey training image is moved at random")
  private int shift;

  @Option(names = "--seed", defaultValue = "1", description = "of weights, order and digits")
  private long seed;

  @Option(
      names = "--ranks",
      description =
          "processes that mpirun starts on this machine, each with a share of every batch, or that"
              + " your own mpirun has started; needs jbatchnorm-mpi (default: this process alone)")
  private @Nullable Integer ranks;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @Option(names = "--eps", defaultValue = "1e-5", description = "added to the variance")
  private double eps;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "jbatchnorm-train",
      description = "folder for chart.png and model.safetensors")
  private Path out = Path.of("jbatchnorm-train");

  @Option(
      names = "--resume",
      paramLabel = "FILE",
      description = "go on from a model.safetensors of the same options")
  private @Nullable Path resume;

  @Override
  public Integer call() throws UserException, IOException {
    checkNumbers();
    Communicator.Provider provider = ranks == null ? null : Ranks.provider(ranks);
    TrainingImages images = images();
    if (provider == null) {
      train(images, null);
    } else if (Ranks.isOne()) {
      provider.run(all -> train(images, all));
    } else {
      load(checkpoint(images, null)); // what is wrong is said once
      OutputFolder.prepare(out);
      return Ranks.start(
          Objects.requireNonNull(ranks), spec.root().commandLine().getParseResult().originalArgs());
    }
    return 0;
  }

  /** Trains here; of ranks the first alone prints and writes. */
  private void train(TrainingImages images, @Nullable Communicator all)
      throws UserException, IOException {
    Checkpoint checkpoint = checkpoint(images, all);
    Checkpoint.Done done = load(checkpoint);
    OutputFolder folder = isFirst(all) ? OutputFolder.prepare(out) : null;
    PrintWriter print = isFirst(all) ? spec.commandLine().getOut() : nowhere();
    printHead(print, images, all);
    List<EpochRow> rows = new ArrayList<>(done.rows());
    for (int epoch = done.epochs() + 1; epoch <= done.epochs() + epochs; epoch++) {
      rows.add(epoch(checkpoint, images, epoch, print, all));
      if (folder != null) {
        folder.writeModel(checkpoint.save(epoch, rows));
        folder.writeChart(AccuracyChart.draw(rows));
      }
    }
    if (folder != null) {
      print.printf("Wrote %s and %s%n", folder.chart(), folder.model());
      print.flush();
    }
  }

  private Checkpoint.Done load(Checkpoint checkpoint) throws UserException, IOException {
    return resume == null ? new Checkpoint.Done(0, List.of()) : checkpoint.load(resume);
  }

  private static boolean isFirst(@Nullable Communicator all) {
    return all == null || all.rank() == 0;
  }

  private static PrintWriter nowhere() {
    return new PrintWriter(Writer.nullWriter());
  }

  private static void printHead(
      PrintWriter print, TrainingImages images, @Nullable Communicator all) {
    print.printf(
        Locale.ROOT,
        "%d training images, %d test images; %s kernel, %d threads%s%n",
        images.trainCount(),
        images.testCount(),
        Kernels.current().name(),
        Settings.threads(),
        all == null ? "" : " on each of %d ranks".formatted(all.size()));
    print.printf("%5s  %23s  %23s%n", "", "with batch norm", "without");
    print.printf(
        "%5s  %10s %12s  %10s %12s%n", "epoch", "accuracy", "images/s", "accuracy", "images/s");
    print.flush();
  }

  private EpochRow epoch(
      Checkpoint checkpoint,
      TrainingImages images,
      int epoch,
      PrintWriter print,
      @Nullable Communicator all) {
    double[] accuracies = new double[2];
    double[] rates = new double[2];
    Contestant[] both = {checkpoint.with(), checkpoint.without()};
    for (int i = 0; i < both.length; i++) {
      String task = "epoch %s, %s".formatted(epoch, both[i].name());
      try (EpochProgress progress =
          new EpochProgress(
              task, images.trainCount(), isFirst(all) ? spec.commandLine().getErr() : nowhere())) {
        both[i].train(
            images.epoch().batches(batchSize, shift, seed, epoch),
            rate() * StrictMath.pow(decay, epoch - 1),
            progress::trained);
        rates[i] = progress.imagesPerSecond();
      }
      accuracies[i] = both[i].accuracy(images.test().apply(TEST_BATCH));
    }
    print.printf(
        Locale.ROOT,
        "%5d  %9.2f%% %12.0f  %9.2f%% %12.0f%n",
        epoch,
        100 * accuracies[0],
        rates[0],
        100 * accuracies[1],
        rates[1]);
    print.flush();
    return new EpochRow(epoch, accuracies[0], accuracies[1]);
  }

  private void checkNumbers() throws UserException {
    UserException.unless(
        eps >= 0 && eps < Double.POSITIVE_INFINITY, "--eps", "a finite value of 0 or more", eps);
    UserException.unless(
        momentum >= 0 && momentum < 1, "--momentum", "0 or more and less than 1", momentum);
    double rate = rate();
    UserException.unless(rate > 0 && rate < Double.POSITIVE_INFINITY, "--lr", "more than 0", rate);
    UserException.unless(decay > 0 && decay <= 1, "--lr-decay", "more than 0 and at most 1", decay);
    UserException.unless(batchSize >= 1, "--batch-size", "1 or more", batchSize);
    UserException.unless(shift >= 0 && shift <= 1024, "--shift", "0 to 1024", shift);
    UserException.unless(epochs >= 1 && epochs <= 1_000_000, "--epochs", "1 to 1000000", epochs);
    DTypeOption.check(List.of(dtype));
    threads.apply();
  }

  private double rate() {
    return learningRate == null ? optimizer.learningRate() : learningRate;
  }

  private TrainingImages images() throws IOException, UserException {
    return data == null
        ? TrainingImages.of(
            ImageSet.draw(DRAWN_TRAIN, seed), ImageSet.draw(DRAWN_TEST, seed ^ TEST_SEED))
        : TrainingImages.read(data, labels);
  }

  private Checkpoint checkpoint(TrainingImages images, @Nullable Communicator all) {
    return new Checkpoint(
        contestant(
            "with batch norm", DemoNetwork.create(images, OptionalDouble.of(eps), seed, all), all),
        contestant("without", DemoNetwork.create(images, OptionalDouble.empty(), seed, all), all),
        optimizer,
        dtype);
  }

  private Contestant contestant(String name, Layer network, @Nullable Communicator all) {
    return new Contestant(
        name, network, optimizer.create(network.parameters(), rate(), momentum), dtype, all);
  }
}
