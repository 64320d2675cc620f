package io.github.jbatchnorm.interop.keras;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.interop.LoadReport;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Npy;
import io.github.jbatchnorm.nn.io.Stored;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that Keras has written (src/test/resources/keras/fixture.py), and ones in its manner. */
class KerasTest {
  private static final BatchNormOptions EPS = BatchNormOptions.DEFAULT.withEps(1e-3);

  @TempDir private Path folder;

  private static Path resource(String name) {
    return Path.of(Objects.requireNonNull(KerasTest.class.getResource("/keras/" + name)).getPath());
  }

  private static Sequential model() {
    SplittableRandom random = new SplittableRandom(1);
    return Sequential.builder()
        .add("conv1", Conv.builder(3, 4, 3, 2).withoutBias().build(random))
        .add("bn1", BatchNorm.builder(4).options(EPS).build())
        .add("relu", Tensor::relu)
        .add(
            "conv2",
            Conv.builder(4, 6, 2, 2).options(ConvOptions.DEFAULT.withStride(2)).build(random))
        .add("pool", Functions::globalAvgPool)
        .add(
            "head",
            Sequential.builder()
                .add("hidden", new Dense(6, 5, random))
                .add("norm", BatchNorm.builder(5).options(EPS).withoutScale().build())
                .build())
        .add("fc", new Dense(5, 2, random))
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.keras", "model.h5"})
  void modelComputesAsKeras(String file) throws IOException {
    Sequential model = model();
    LoadReport report = LoadReport.load(Keras.read(resource(file)), model::visit);
    assertThat(report.isComplete()).as(report.toString()).isTrue();
    Tensor x = StoredTensors.tensor(Npy.read(resource("x.npy"))).transpose(0, 3, 1, 2);
    double[] expected = StoredTensors.tensor(Npy.read(resource("y.npy"))).toDoubleArray();
    double[] found = model.forward(x, Mode.EVALUATION).toDoubleArray();
    for (int i = 0; i < expected.length; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(1e-6 * 4.4));
    }
  }

  /** Only .keras says whether the three arrays have a gamma or a beta. */
  @Test
  void weightsAloneDoNotSayWhatABatchNormIsWithout() {
    Path file = resource("model.weights.h5");
    assertThatThrownBy(() -> Keras.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(
            file
                + ": head.norm: has gamma or beta, and the file does not say which: save the model"
                + " as .keras");
  }

  private static Path write(Path file, Consumer<WritableHdfFile> contents) {
    try (WritableHdfFile hdf = HdfFile.write(file)) {
      contents.accept(hdf);
    }
    return file;
  }

  @Test
  void weightsOfKeras3() throws IOException {
    Path file =
        write(
            folder.resolve("a.weights.h5"),
            hdf -> {
              WritableGroup layers = hdf.putGroup("layers");
              WritableGroup conv = layers.putGroup("depthwise_conv2d").putGroup("vars");
              conv.putDataset("0", new float[][][][] {{{{1, 2}, {3, 4}}}, {{{5, 6}, {7, 8}}}});
              conv.putAttribute("name", "deep");
              WritableGroup norm = layers.putGroup("batch_normalization_3").putGroup("vars");
              for (int i = 0; i < 4; i++) {
                norm.putDataset(Integer.toString(i), new double[] {i, i + 10});
              }
              layers
                  .putGroup("embedding")
                  .putGroup("vars")
                  .putDataset("0", new float[][] {{1, 2}, {3, 4}, {5, 6}});
              layers.putGroup("lstm").putGroup("vars").putDataset("0", new float[][] {{1, 2}});
            });
    Map<String, Stored> weights = Keras.read(file);
    assertThat(weights)
        .containsOnlyKeys(
            "deep.weight",
            "batch_normalization_3.weight",
            "batch_normalization_3.bias",
            "batch_normalization_3.running_mean",
            "batch_normalization_3.running_var",
            "batch_normalization_3.num_batches_tracked",
            "embedding.weight",
            "lstm.0");
    assertThat(weights.get("deep.weight").shape()).containsExactly(4, 1, 2, 1);
    assertThat(StoredTensors.tensor(weights.get("deep.weight")).toFloatArray())
        .containsExactly(1, 5, 2, 6, 3, 7, 4, 8);
    assertThat(
            StoredTensors.tensor(weights.get("batch_normalization_3.running_mean")).toDoubleArray())
        .containsExactly(2, 12);
    assertThat(weights.get("embedding.weight")).hasToString("F32(3, 2)");
    assertThat(weights.get("lstm.0")).hasToString("F32(1, 2)");
  }

  @Test
  void weightsOfKeras2() throws IOException {
    Path file =
        write(
            folder.resolve("b.h5"),
            hdf -> {
              hdf.putAttribute("layer_names", new String[] {"dense", "inner"});
              WritableGroup dense = hdf.putGroup("dense").putGroup("dense");
              dense.putDataset("kernel:0", new float[][] {{1, 2, 3}, {4, 5, 6}});
              dense.putDataset("bias:0", new float[] {7, 8, 9});
              WritableGroup inner = hdf.putGroup("inner").putGroup("conv");
              inner.putDataset("kernel:0", new float[2][3][4][5]);
            });
    Map<String, Stored> weights = Keras.read(file);
    assertThat(weights).containsOnlyKeys("dense.weight", "dense.bias", "inner.conv.weight");
    assertThat(weights.get("inner.conv.weight").shape()).containsExactly(5, 4, 2, 3);
    assertThat(StoredTensors.tensor(weights.get("dense.weight")).toFloatArray())
        .containsExactly(1, 4, 2, 5, 3, 6);
  }

  @Test
  void denseAfterFlattenTakesChannelsFirst() {
    float[] rows = new float[24];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i;
    }
    Stored weight = StoredTensors.of(Tensor.of(rows, 2, 12));
    Tensor turned = StoredTensors.tensor(Keras.channelsFirst(weight, 3));
    for (int out = 0; out < 2; out++) {
      for (int channel = 0; channel < 3; channel++) {
        for (int position = 0; position < 4; position++) {
          assertThat(turned.storage().get(out * 12 + channel * 4 + position))
              .isEqualTo(out * 12 + position * 3 + channel);
        }
      }
    }
    assertThatThrownBy(() -> Keras.channelsFirst(weight, 5))
        .hasMessage("weight: expected shape (out, in) with in a multiple of 5, got F32(2, 12)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.keras", "model.h5"})
  void brokenFilesAreRefused(String name) throws IOException {
    byte[] whole = Files.readAllBytes(resource(name));
    SplittableRandom random = new SplittableRandom(9);
    Path file = folder.resolve("broken");
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] changed = i < 100 ? Arrays.copyOf(whole, whole.length * i / 100) : whole.clone();
      for (int n = i < 100 ? 0 : random.nextInt(1, 20); n > 0; n--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, changed);
      try {
        Keras.read(file);
      } catch (IOException e) {
        assertThat(e.getMessage()).startsWith(file + ": ").hasLineCount(1);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(90);
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    Path none = write(folder.resolve("none.h5"), hdf -> hdf.putDataset("x", new float[3]));
    assertThatThrownBy(() -> Keras.read(none))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(none + ": is no file of weights of Keras");
    Path text = Files.writeString(folder.resolve("text.h5"), "no file of Keras, but text");
    assertThatThrownBy(() -> Keras.read(text))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(text + ": is no HDF5 file, or broken: ");
    assertThatThrownBy(() -> Keras.read(folder)).hasMessage(folder + ": is a folder");
  }
}
