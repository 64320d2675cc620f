package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Schedule;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.WeightDecay;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.io.Safetensors;
import io.github.jbatchnorm.nn.models.ResNet;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains ResNet-20. */
@Command(
    name = "resnet",
    description =
        "Train ResNet-20 on CIFAR-10's binary files, or on files of that format that the program"
            + " draws.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true)
final class ResNetCommand implements Callable<Integer> {
  private static final int FILES = 5;
  private static final double MOMENTUM = 0.9;
  private static final double DECAY = 1e-4;

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "folder with CIFAR-10's or CIFAR-100's binary files (default: drawn)")
  private @Nullable Path data;

  @Option(
      names = "--labels",
      defaultValue = "fine",
      description = "CIFAR-100's classes: fine (100) or coarse (20)")
  private CifarFiles.Labels labels = CifarFiles.Labels.FINE;

  @Option(names = "--images", defaultValue = "2000", description = "images to draw for training")
  private int images;

  @Option(names = "--epochs", defaultValue = "5", description = "times through the images")
  private int epochs;

  @Option(names = "--batch-size", defaultValue = "64", description = "images a step")
  private int batchSize;

  @Option(
      names = "--dtype",
      defaultValue = "f32",
      split = ",",
      description =
          "of what the layers compute, f32, bf16 or f16; parameters are f32; several, as in"
              + " f32,bf16, train a network each")
  private List<DType> dtypes = List.of(DType.F32);

  @Option(names = "--lr", defaultValue = "0.05", description = "the first learning rate; a cosine")
  private double rate;

  @Option(names = "--seed", defaultValue = "1", description = "of weights, order and images")
  private long seed;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "jbatchnorm-resnet",
      description = "folder for chart.png, model.safetensors and drawn images")
  private Path out = Path.of("jbatchnorm-resnet");

  @Override
  public Integer call() throws UserException, IOException {
    UserException.unless(epochs >= 1 && epochs <= 1_000_000, "--epochs", "1 to 1000000", epochs);
    UserException.unless(batchSize >= 2, "--batch-size", "2 or more", batchSize);
    UserException.unless(images >= 20 && images <= 600_000, "--images", "20 to 600000", images);
    boolean isRate = rate > 0 && rate < Double.POSITIVE_INFINITY;
    UserException.unless(isRate, "--lr", "more than 0", rate);
    DTypeOption.check(dtypes);
    threads.apply();
    OutputFolder folder = OutputFolder.prepare(out);
    CifarFiles.TrainAndTest read = CifarFiles.read(data == null ? draw() : data, labels);
    ColorImages train = read.train();
    ColorImages test = read.test();
    int classes = Math.max(train.classes(), test.classes());
    List<Run> runs = dtypes.stream().map(dtype -> new Run(dtype, classes)).toList();
    PrintWriter print = spec.commandLine().getOut();
    print.printf("%s training images, %s test images%n", train.count(), test.count());
    printHead(print);
    for (int epoch = 1; epoch <= epochs; epoch++) {
      print.printf(Locale.ROOT, "%5d", epoch);
      for (Run run : runs) {
        run.epoch(epoch, train, test, print);
      }
      print.println();
      print.flush();
      folder.writeChart(AccuracyChart.draw(1, runs.stream().map(Run::curve).toList()));
    }
    folder.writeModel(new Safetensors(StateFile.save(visitor -> visit(runs, visitor)), Map.of()));
    print.printf("Wrote %s and %s%n", folder.chart(), folder.model());
    print.flush();
    return 0;
  }

  private void printHead(PrintWriter print) {
    if (dtypes.size() > 1) {
      print.printf("%5s", "");
      dtypes.forEach(dtype -> print.printf("  %20s", DTypeOption.name(dtype)));
      print.println();
    }
    print.printf("%5s", "epoch");
    dtypes.forEach(dtype -> print.printf("  %9s  %9s", "accuracy", "images/s"));
    print.println();
    print.flush();
  }

  /** Shows the networks: the first under PyTorch's names, others' begin with their dtype. */
  private static void visit(List<Run> runs, StateVisitor visitor) {
    runs.get(0).network.visit(visitor);
    for (Run run : runs.subList(1, runs.size())) {
      run.network.visit(visitor.within(DTypeOption.name(run.dtype) + "."));
    }
  }

  /** The training of one network. */
  private final class Run {
    private final DType dtype;
    private final Sequential network;
    private final Contestant contestant;
    private final Schedule schedule = Schedule.cosine(rate, rate / 100, epochs);
    private final List<Double> accuracies = new ArrayList<>();

    Run(DType dtype, int classes) {
      this.dtype = dtype;
      network = ResNet.resNet20(classes, seed);
      WeightDecay decay = WeightDecay.ofWeights(DECAY);
      Sgd sgd = new Sgd(network.parameters(), rate, MOMENTUM, true, decay);
      contestant = new Contestant("resnet20", network, sgd, dtype, null);
    }

    void epoch(int epoch, ColorImages train, ColorImages test, PrintWriter print) {
      // Digits are not mirrored; photographs are.
      BatchSource batches = train.shuffled(batchSize, data != null, seed, epoch);
      String task = dtypes.size() > 1 ? ", " + DTypeOption.name(dtype) : "";
      double speed;
      try (EpochProgress progress =
          new EpochProgress("epoch " + epoch + task, train.count(), spec.commandLine().getErr())) {
        contestant.train(batches, schedule.rate(epoch - 1), progress::trained);
        speed = progress.imagesPerSecond();
      }
      double accuracy = contestant.accuracy(test.inOrder(2 * batchSize));
      accuracies.add(accuracy);
      print.printf(Locale.ROOT, "  %8.2f%%  %9.0f", 100 * accuracy, speed);
      print.flush();
    }

    AccuracyChart.Curve curve() {
      return new AccuracyChart.Curve(DTypeOption.name(dtype), accuracies);
    }
  }

  private Path draw() throws IOException {
    ColorImages drawn = ColorImages.draw(images, seed);
    for (int i = 0; i < FILES; i++) {
      CifarFiles.write(
          drawn.range(images * i / FILES, images * (i + 1) / FILES),
          out.resolve("data_batch_%s.bin".formatted(i + 1)));
    }
    CifarFiles.write(ColorImages.draw(images / 2, ~seed), out.resolve("test_batch.bin"));
    return out;
  }
}
