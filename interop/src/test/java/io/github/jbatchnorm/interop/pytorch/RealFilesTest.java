package io.github.jbatchnorm.interop.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.interop.LoadReport;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that PyTorch 2.11 has written, and what its network gives (resources: make.py). */
class RealFilesTest {
  private static Path file(String name) throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(RealFilesTest.class.getResource("/pytorch/" + name)).toURI());
  }

  private static Sequential model() {
    SplittableRandom random = new SplittableRandom(9);
    BatchNormOptions relu = new BatchNormOptions(Layout.NCHW, 1e-5, 0);
    return Sequential.builder()
        .add(
            "conv",
            Conv.builder(3, 4, 3, 3)
                .options(ConvOptions.DEFAULT.withPadding(1))
                .withoutBias()
                .build(random))
        .add("bn", BatchNorm.builder(4).options(relu).build())
        .add("pool", x -> Functions.maxPool(x, 2, 2))
        .add("flatten", x -> x.reshape(x.dim(0), -1))
        .add("fc", new Dense(64, 5, random))
        .build();
  }

  private static double[] numbers(String name) throws IOException, URISyntaxException {
    return Files.readAllLines(file("net.txt")).stream()
        .filter(line -> line.startsWith(name + " "))
        .flatMap(line -> Arrays.stream(line.substring(2).split(" ", -1)))
        .mapToDouble(Double::parseDouble)
        .toArray();
  }

  private static void check(Map<String, Stored> tensors, double tolerance) throws Exception {
    Sequential model = model();
    LoadReport report = LoadReport.load(tensors, model::visit);
    assertThat(report.isComplete()).as(report.toString()).isTrue();
    double[] x = numbers("x");
    float[] narrow = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      narrow[i] = (float) x[i];
    }
    Tensor y = model.forward(Tensor.of(narrow, 2, 3, 8, 8), Mode.EVALUATION);
    double[] expected = numbers("y");
    assertThat(y.size()).isEqualTo(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(y.toDoubleArray()[i]).isCloseTo(expected[i], within(tolerance));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "net.pt, 1e-6",
    "net-legacy.pt, 1e-6",
    "net-f64.pt, 1e-6",
    "net-f16.pt, 2e-3",
    "net-bf16.pt, 2e-2"
  })
  void networksGiveWhatTheyGaveThere(String name, double tolerance) throws Exception {
    check(PyTorch.read(file(name)), tolerance);
  }

  @Test
  void theStateInACheckpointIsReadByItsKey() throws Exception {
    check(PyTorch.read(file("checkpoint.pt"), "model"), 1e-6);
    assertThat(List.copyOf(PyTorch.read(file("checkpoint.pt"), "model").keySet()))
        .containsExactly(
            "conv.weight",
            "bn.weight",
            "bn.bias",
            "bn.running_mean",
            "bn.running_var",
            "bn.num_batches_tracked",
            "fc.weight",
            "fc.bias");
  }

  @Test
  void theFormatFromBefore16HasTheSameTensors() throws Exception {
    assertThat(PyTorch.read(file("net-legacy.pt"))).isEqualTo(PyTorch.read(file("net.pt")));
    byte[] whole = Files.readAllBytes(file("net-legacy.pt"));
    Path cut = Files.createTempFile("cut", ".pt");
    for (int length = 1; length < whole.length; length += 13) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> PyTorch.read(cut)).isInstanceOf(FileFormatException.class);
    }
    Files.delete(cut);
  }
}
