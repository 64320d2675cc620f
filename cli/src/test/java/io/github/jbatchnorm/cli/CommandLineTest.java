package io.github.jbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.data.ImageSet;
import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line: what it writes, and how it refuses. */
class CommandLineTest {
  private static final int USER_ERROR = 2;

  @TempDir private Path folder;
  private Path data;
  private Path out;

  /** The outcome of one command. */
  private record Outcome(int status, String out, String err) {}

  private static Outcome run(List<String> args) {
    PrintStream standardOut = System.out;
    PrintStream standardErr = System.err;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    try {
      int status = Main.run(args.toArray(String[]::new));
      return new Outcome(
          status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(standardOut);
      System.setErr(standardErr);
    }
  }

  /** Runs train on the test's own small data. */
  private Outcome train(String... options) {
    List<String> args = new ArrayList<>(List.of("train", "--data", data.toString()));
    args.addAll(List.of("--out", out.toString()));
    args.addAll(List.of(options));
    return run(args);
  }

  @BeforeEach
  void writeData() throws IOException {
    data = Files.createDirectory(folder.resolve("data"));
    out = folder.resolve("out");
    write(ImageSet.draw(60, 1), "train");
    write(ImageSet.draw(20, 2), "t10k");
  }

  private void write(ImageSet images, String name) throws IOException {
    ByteBuffer pixels = ByteBuffer.allocate(16 + images.count() * 28 * 28);
    pixels.putInt(0x0803).putInt(images.count()).putInt(28).putInt(28);
    ByteBuffer labels = ByteBuffer.allocate(8 + images.count());
    labels.putInt(0x0801).putInt(images.count());
    for (int i = 0; i < images.count(); i++) {
      labels.put((byte) images.label(i));
      for (int p = 0; p < 28 * 28; p++) {
        pixels.put((byte) images.pixel(i, p / 28, p % 28));
      }
    }
    Files.write(data.resolve(name + "-images-idx3-ubyte"), pixels.array());
    Files.write(data.resolve(name + "-labels-idx1-ubyte"), labels.array());
  }

  private void assertRefused(Outcome outcome, String message) throws IOException {
    assertThat(outcome.err()).isEqualTo("jbatchnorm: " + message + System.lineSeparator());
    assertThat(outcome.status()).isEqualTo(USER_ERROR);
    if (Files.isDirectory(out)) {
      try (Stream<Path> files = Files.list(out)) {
        assertThat(files).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ar-EG", "de-DE", "tr-TR"})
  void numbersAreTheSameInEveryLocale(String locale) {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag(locale));
    try {
      Outcome trained = train("--epochs", "1");
      assertThat(trained.status()).isZero();
      assertThat(trained.out())
          .contains("60 training images, 20 test images")
          .containsPattern("1 +[0-9]+\\.[0-9]{2}% +[0-9]+ +[0-9]+\\.[0-9]{2}% +[0-9]+");
      Outcome timed =
          run(List.of("bench", "mb2ic3ih4iw4", "--rounds", "1", "--out", out.toString()));
      assertThat(timed.out())
          .containsPattern("[0-9] threads, medians of 1 rounds")
          .containsPattern("forward +[0-9]+\\.[0-9]{2} +[0-9]+\\.[0-9] +[0-9]+\\.[0-9]{2}");
      assertThat(run(List.of("info")).out()).containsPattern("threads +[0-9]");
      assertThat(run(List.of("memory", "--steps", "3")).err()).contains("or more, got 3");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void whatIsWrittenCanBeReadByThoseWhoMayReadNewFiles() throws IOException {
    train("--epochs", "1");
    Path plain = Files.writeString(folder.resolve("plain"), "x");
    for (String name : List.of("chart.png", "model.safetensors")) {
      assertThat(Files.getPosixFilePermissions(out.resolve(name)))
          .isEqualTo(Files.getPosixFilePermissions(plain));
    }
  }

  @Test
  void trainPrintsATableAndWritesChartAndParameters() throws IOException {
    Outcome outcome = train("--epochs", "2");
    assertThat(outcome.status()).isZero();
    assertThat(outcome.out())
        .contains("60 training images, 20 test images")
        .containsPattern("epoch +accuracy +images/s +accuracy +images/s")
        .containsPattern("1 +[\\d.]+% +\\d+ +[\\d.]+% +\\d+")
        .containsPattern("2 +[\\d.]+% +\\d+ +[\\d.]+% +\\d+");
    assertThat(outcome.err()).isEmpty();
    assertThat(ImageIO.read(out.resolve("chart.png").toFile()).getWidth()).isEqualTo(1000);
    assertThat(Safetensors.read(out.resolve("model.safetensors")).tensors())
        .containsKeys("conv1.weight", "bn1.running_mean", "fc.bias", "without.conv1.bias");
  }

  /** What is printed shows whether there was a chart by then. */
  private final class ChartWatcher extends ByteArrayOutputStream {
    private final List<Boolean> charts = new ArrayList<>();

    @Override
    public synchronized void write(byte[] bytes, int from, int count) {
      super.write(bytes, from, count);
      if (new String(bytes, from, count, StandardCharsets.UTF_8).contains("%")) {
        charts.add(Files.exists(out.resolve("chart.png")));
      }
    }
  }

  @Test
  void chartIsDrawnAfterEveryEpoch() {
    PrintStream standardOut = System.out;
    ChartWatcher watcher = new ChartWatcher();
    System.setOut(new PrintStream(watcher, true, StandardCharsets.UTF_8));
    try {
      Main.run("train", "--data", data.toString(), "--out", out.toString(), "--epochs", "2");
    } finally {
      System.setOut(standardOut);
    }
    assertThat(watcher.charts).containsExactly(false, true);
  }

  @ParameterizedTest
  @CsvSource({"sgd, f32", "adam, f32", "sgd, bf16", "adam, f16"})
  void resumedTrainingEndsWithTheBitsOfAnUnbrokenOne(String optimizer, String dtype)
      throws IOException {
    Path model = out.resolve("model.safetensors");
    train("--epochs", "2", "--optimizer", optimizer, "--dtype", dtype);
    byte[] unbroken = Files.readAllBytes(model);
    byte[] unbrokenChart = Files.readAllBytes(out.resolve("chart.png"));
    train("--epochs", "1", "--optimizer", optimizer, "--dtype", dtype);
    assertThat(Files.readAllBytes(model)).isNotEqualTo(unbroken);
    assertThat(Files.readAllBytes(out.resolve("chart.png"))).isNotEqualTo(unbrokenChart);
    Outcome resumed =
        train(
            "--epochs",
            "1",
            "--optimizer",
            optimizer,
            "--dtype",
            dtype,
            "--resume",
            model.toString());
    assertThat(resumed.status()).as(resumed.err()).isZero();
    assertThat(Files.readAllBytes(model)).isEqualTo(unbroken);
    assertThat(Files.readAllBytes(out.resolve("chart.png"))).isEqualTo(unbrokenChart);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--eps | -1 | --eps: expected a finite value of 0 or more, got -1.0",
        "--eps | NaN | --eps: expected a finite value of 0 or more, got NaN",
        "--lr | 0 | --lr: expected more than 0, got 0.0",
        "--lr-decay | 2 | --lr-decay: expected more than 0 and at most 1, got 2.0",
        "--momentum | 1 | --momentum: expected 0 or more and less than 1, got 1.0",
        "--batch-size | 0 | --batch-size: expected 1 or more, got 0",
        "--epochs | 0 | --epochs: expected 1 to 1000000, got 0",
        "--threads | 0 | --threads: expected 1 to 1024, got 0",
        "--shift | -1 | --shift: expected 0 to 1024, got -1",
        "--epochs | many | Invalid value for option '--epochs': 'many' is not an int;"
            + " see jbatchnorm train --help",
      })
  void numberOutOfRangeIsRefused(String option, String value, String message) throws IOException {
    assertRefused(train(option, value), message);
  }

  @Test
  void unknownOptimizerIsRefused() throws IOException {
    Outcome outcome = train("--optimizer", "newton");
    assertThat(outcome.status()).isEqualTo(USER_ERROR);
    assertThat(outcome.err().lines()).hasSize(1);
    assertThat(outcome.err()).contains("--optimizer").contains("newton");
  }

  @Test
  void missingFolderIsRefused() throws IOException {
    Path none = folder.resolve("none");
    assertRefused(
        run(List.of("train", "--data", none.toString(), "--out", out.toString())),
        none + ": no such folder");
  }

  @Test
  void missingFileIsRefused() throws IOException {
    Path labels = data.resolve("train-labels-idx1-ubyte");
    Files.delete(labels);
    assertRefused(train(), labels + ": no such file, nor one with .gz");
  }

  @Test
  void folderWithoutASetSaysWhatIsLookedFor() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertRefused(
        run(List.of("train", "--data", empty.toString(), "--out", out.toString())),
        empty
            + ": holds neither MNIST's train-images-idx3-ubyte, nor CIFAR-10's data_batch_1.bin,"
            + " nor CIFAR-100's train.bin");
  }

  @Test
  void trainReadsColorImagesBelowAFolder() throws IOException {
    Path archive = Files.createDirectories(folder.resolve("sets/cifar-100-binary"));
    byte[] records = new byte[20 * (2 + ColorImages.BYTES)];
    for (int i = 0; i < 20; i++) {
      records[i * (2 + ColorImages.BYTES)] = (byte) (i % 3);
      records[i * (2 + ColorImages.BYTES) + 1] = (byte) i;
    }
    Files.write(archive.resolve("train.bin"), records);
    Files.write(archive.resolve("test.bin"), records);
    List<String> args = List.of("train", "--epochs", "1", "--out", out.toString());
    for (String labels : List.of("fine", "coarse")) {
      Outcome outcome =
          run(plus(args, "--data", folder.resolve("sets").toString(), "--labels", labels));
      assertThat(outcome.status()).as(outcome.err()).isZero();
      assertThat(outcome.out()).contains("20 training images, 20 test images");
      assertThat(
              Safetensors.read(out.resolve("model.safetensors")).tensors().get("fc.weight").shape())
          .containsExactly(labels.equals("fine") ? 20 : 3, 64 * 4 * 4);
    }
  }

  @Test
  void truncatedFileIsRefused() throws IOException {
    Path images = data.resolve("t10k-images-idx3-ubyte");
    byte[] whole = Files.readAllBytes(images);
    Files.write(images, Arrays.copyOf(whole, whole.length - 5));
    assertRefused(train(), images + ": is truncated: expected 15680 bytes of data, got 15675");
  }

  @Test
  void unwritableOutputIsRefusedAheadOfTheWork() throws IOException {
    Files.write(out, new byte[] {1});
    Outcome outcome = train();
    assertRefused(outcome, "--out: cannot write to " + out);
    assertThat(outcome.out()).isEmpty();
    assertThat(Files.readAllBytes(out)).containsExactly(1);
  }

  @Test
  void resumingFromABrokenFileIsRefused() throws IOException {
    Path model = folder.resolve("model.safetensors");
    Files.write(model, new byte[] {1, 2, 3});
    assertRefused(
        train("--resume", model.toString()), model + ": is 3 bytes long: expected 8 or more");
    assertRefused(
        train("--resume", folder.resolve("none").toString()),
        folder.resolve("none") + ": no such file");
  }

  @Test
  void resumingWithAnotherOptimizerIsRefused() throws IOException {
    Path first = folder.resolve("first");
    run(
        List.of(
            "train",
            "--epochs",
            "1",
            "--data",
            data.toString(),
            "--out",
            first.toString(),
            "--optimizer",
            "adam"));
    Path model = first.resolve("model.safetensors");
    assertRefused(
        train("--resume", model.toString()),
        "--resume: " + model + " was trained with --optimizer adam");
  }

  @Test
  void resumingWithAnotherDtypeIsRefused() throws IOException {
    Path first = folder.resolve("first");
    run(
        List.of(
            "train",
            "--epochs",
            "1",
            "--data",
            data.toString(),
            "--out",
            first.toString(),
            "--dtype",
            "bf16"));
    Path model = first.resolve("model.safetensors");
    assertRefused(
        train("--resume", model.toString()),
        "--resume: " + model + " was trained with --dtype bf16");
    assertRefused(train("--dtype", "f64"), "--dtype: expected f32, bf16 or f16, got f64");
  }

  @Test
  void benchPrintsRatesAndWritesAChart() throws IOException {
    Outcome outcome =
        run(
            List.of(
                "bench",
                "mb4ic8ih6",
                "mb5ic3iw7",
                "--layout",
                "nhwc",
                "--dtype",
                "f64",
                "--rounds",
                "3",
                "--threads",
                "1",
                "--out",
                out.toString()));
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.status()).isZero();
    assertThat(outcome.out()).contains("F64 NHWC, 1 threads, medians of 3 rounds");
    for (String shape : List.of("mb4ic8ih6", "mb5ic3iw7")) {
      for (String operation : List.of("forward", "backward", "inference", "copy")) {
        assertThat(outcome.out())
            .containsPattern(
                shape + " +" + operation + " +\\d+\\.\\d\\d +\\d+\\.\\d +\\d+\\.\\d\\d");
      }
    }
    assertThat(ImageIO.read(out.resolve("chart.png").toFile())).isNotNull();
  }

  @ParameterizedTest
  @CsvSource({
    "32x64, is not like mb32ic64ih56iw56",
    "mb0ic3, has not 1 to 2^28 elements",
    "mb99999ic99999, has not 1 to 2^28 elements"
  })
  void badShapeIsRefused(String shape, String message) {
    Outcome outcome = run(List.of("bench", shape, "--out", out.toString()));
    assertThat(outcome.status()).isEqualTo(USER_ERROR);
    assertThat(outcome.err()).contains("SHAPE").contains(message).hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void infoTellsWhatRuns() {
    Outcome outcome = run(List.of("info"));
    assertThat(outcome.status()).isZero();
    assertThat(outcome.out())
        .contains("jbatchnorm")
        .containsPattern("platform +linux")
        .containsPattern("kernel +(native|java)")
        .containsPattern("threads +\\d+")
        .containsPattern("OpenBLAS +OpenBLAS \\d");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "trian | unknown command 'trian': did you mean train?; see jbatchnorm --help",
        "fly | unknown command 'fly'; see jbatchnorm --help",
        "train --epoch 3 | unknown option '--epoch': did you mean --epochs or --eps?;"
            + " see jbatchnorm train --help",
        "train --optimiser adam | unknown option '--optimiser': did you mean --optimizer?;"
            + " see jbatchnorm train --help",
        "train sgd | unknown argument 'sgd'; see jbatchnorm train --help",
        "bench --dtype | Missing required parameter for option '--dtype' (<dtype>);"
            + " see jbatchnorm bench --help",
      })
  void misspeltWordIsNamedWithWhatMayHaveBeenMeant(String line, String message) throws IOException {
    assertRefused(run(List.of(line.split(" "))), message);
  }

  @Test
  void helpNamesTheCommands() {
    Outcome outcome = run(List.of("--help"));
    assertThat(outcome.status()).isZero();
    assertThat(outcome.out()).contains("train").contains("info");
  }

  @Test
  void resnetTrainsOnDrawnImagesAndOnItsOwnFiles() {
    List<String> args = List.of("resnet", "--images", "20", "--epochs", "1", "--batch-size", "10");
    Outcome drawn = run(plus(args, "--out", out.toString()));
    assertThat(drawn.status()).as(drawn.err()).isZero();
    assertThat(drawn.out())
        .contains("20 training images, 10 test images")
        .containsPattern(" 1 +\\d+\\.\\d\\d% +\\d+");
    Path other = folder.resolve("other");
    Outcome read = run(plus(args, "--data", out.toString(), "--out", other.toString()));
    assertThat(read.status()).as(read.err()).isZero();
    assertThat(other.resolve("model.safetensors")).isNotEmptyFile();
  }

  @Test
  void resnetTrainsANetworkForEachDtype() throws IOException {
    Outcome outcome =
        run(
            List.of(
                "resnet",
                "--images",
                "20",
                "--epochs",
                "1",
                "--batch-size",
                "10",
                "--dtype",
                "f32,bf16,f16",
                "--out",
                out.toString()));
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .containsPattern(" +f32 +bf16 +f16\n")
        .containsPattern(" 1( +\\d+\\.\\d\\d% +\\d+){3}");
    assertThat(out.resolve("chart.png")).isNotEmptyFile();
    assertThat(Safetensors.read(out.resolve("model.safetensors")).tensors())
        .containsKeys("conv1.weight", "bf16.conv1.weight", "f16.conv1.weight");
    for (String wrong : List.of("f64", "f32,f32")) {
      Outcome refused = run(List.of("resnet", "--dtype", wrong, "--out", out.toString()));
      assertThat(refused.status()).isEqualTo(USER_ERROR);
      assertThat(refused.err()).contains("--dtype: expected f32, bf16 or f16, got " + wrong);
    }
  }

  @Test
  void resnetExplainsMissingData() {
    Outcome outcome = run(List.of("resnet", "--data", data.toString(), "--out", out.toString()));
    assertThat(outcome.status()).isEqualTo(USER_ERROR);
    assertThat(outcome.err()).contains("holds neither data_batch_1.bin").hasLineCount(1);
  }

  @Test
  void memoryPrintsTimeAndSize() {
    Outcome outcome = run(List.of("memory", "--steps", "50", "--scope"));
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .containsPattern(" 50 +\\d+\\.\\d{3} +-?\\d+ +\\d+")
        .contains("held of");
    assertThat(run(List.of("memory", "--steps", "1")).status()).isEqualTo(USER_ERROR);
  }

  private static List<String> plus(List<String> args, String... more) {
    List<String> all = new ArrayList<>(args);
    all.addAll(List.of(more));
    return all;
  }

  @ParameterizedTest
  @CsvSource({
    "jbatchnorm.maxMemory, 64mb",
    "jbatchnorm.threads, many",
    "jbatchnorm.isa, mmx",
    "jbatchnorm.kernel, gpu",
    "jbatchnorm.matmul, fast"
  })
  void aPropertyWithoutSenseIsNamed(String property, String value) {
    String before = System.getProperty(property);
    System.setProperty(property, value);
    try {
      Outcome outcome = run(List.of("info"));
      assertThat(outcome.status()).isEqualTo(USER_ERROR);
      assertThat(outcome.err()).startsWith("jbatchnorm: ").contains(value).hasLineCount(1);
    } finally {
      if (before == null) {
        System.clearProperty(property);
      } else {
        System.setProperty(property, before);
      }
    }
  }
}
