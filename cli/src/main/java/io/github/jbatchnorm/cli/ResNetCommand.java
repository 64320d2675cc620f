package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.nn.Schedule;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.WeightDecay;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.io.Safetensors;
import io.github.jbatchnorm.nn.models.ResNet;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
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
  private static final int CLASSES = 10;
  private static final double MOMENTUM = 0.9;
  private static final double DECAY = 1e-4;

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "folder with data_batch_1.bin ... and test_batch.bin (default: drawn)")
  private @Nullable Path data;

  @Option(names = "--images", defaultValue = "2000", description = "images to draw for training")
  private int images;

  @Option(names = "--epochs", defaultValue = "5", description = "times through the images")
  private int epochs;

  @Option(names = "--batch-size", defaultValue = "64", description = "images a step")
  private int batchSize;

  @Option(names = "--lr", defaultValue = "0.05", description = "the first learning rate; a cosine")
  private double rate;

  @Option(names = "--seed", defaultValue = "1", description = "of weights, order and images")
  private long seed;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "jbatchnorm-resnet",
      description = "folder for model.safetensors, and for drawn images")
  private Path out = Path.of("jbatchnorm-resnet");

  @Override
  public Integer call() throws UserException, IOException {
    if (epochs < 1 || batchSize < 2 || images < 20 || !(rate > 0)) {
      throw new UserException(
          "expected --epochs of 1, --batch-size of 2, --images of 20 or more, --lr above 0");
    }
    threads.apply();
    OutputFolder folder = OutputFolder.prepare(out);
    Path source = data == null ? draw() : data;
    ColorImages train = CifarFiles.readTraining(source);
    ColorImages test = CifarFiles.readTest(source);
    Sequential network = ResNet.resNet20(CLASSES, seed);
    WeightDecay decay = WeightDecay.ofWeights(DECAY);
    Sgd sgd = new Sgd(network.parameters(), rate, MOMENTUM, true, decay);
    Contestant contestant = new Contestant("resnet20", network, sgd);
    Schedule schedule = Schedule.cosine(rate, rate / 100, epochs);
    PrintWriter print = spec.commandLine().getOut();
    print.printf("%s training images, %s test images%n", train.count(), test.count());
    print.printf("%5s  %9s  %9s%n", "epoch", "accuracy", "images/s");
    print.flush();
    for (int epoch = 1; epoch <= epochs; epoch++) {
      // Digits are not mirrored; photographs are.
      BatchSource batches = train.shuffled(batchSize, data != null, seed, epoch);
      double speed;
      try (EpochProgress progress = new EpochProgress("epoch " + epoch, train.count(), this::say)) {
        contestant.train(batches, schedule.rate(epoch - 1), progress::trained);
        speed = progress.imagesPerSecond();
      }
      double accuracy = contestant.accuracy(test.inOrder(2 * batchSize));
      print.printf(Locale.ROOT, "%5d  %8.2f%%  %9.0f%n", epoch, 100 * accuracy, speed);
      print.flush();
    }
    folder.writeModel(new Safetensors(StateFile.save(network::visit), Map.of()));
    print.printf("Wrote %s%n", folder.model());
    print.flush();
    return 0;
  }

  private Path draw() throws IOException {
    CifarFiles.write(ColorImages.draw(images, seed), out.resolve("data_batch_1.bin"));
    CifarFiles.write(ColorImages.draw(images / 2, ~seed), out.resolve("test_batch.bin"));
    return out;
  }

  private void say(String line) {
    spec.commandLine().getErr().println(line);
    spec.commandLine().getErr().flush();
  }
}
