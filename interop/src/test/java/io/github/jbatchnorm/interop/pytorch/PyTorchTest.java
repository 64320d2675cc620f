package io.github.jbatchnorm.interop.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.interop.LoadReport;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.InstanceNorm;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** State dicts as torch.save writes them. */
class PyTorchTest {
  @TempDir private Path folder;

  private static final byte[] COUNT = {9, 0, 0, 0, 0, 0, 0, 0};

  static float[] sequence(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i + 1;
    }
    return values;
  }

  static long[] longs(long... values) {
    return values;
  }

  private Path file(TorchFile file) {
    return file.write(folder.resolve("model.pt"));
  }

  /** A dense layer and a batch norm, as a state dict has them. */
  static TorchFile stateDict(TorchFile file) {
    return file.beginDict()
        .text("fc.weight")
        .tensor("FloatStorage", "0", 6, 0, longs(2, 3), 3, 1)
        .text("fc.bias")
        .tensor("FloatStorage", "1", 2, 0, longs(2), 1)
        .text("bn.weight")
        .tensor("FloatStorage", "2", 8, 0, longs(2), 1)
        .text("bn.bias")
        .tensor("FloatStorage", "2", 8, 2, longs(2), 1)
        .text("bn.running_mean")
        .tensor("FloatStorage", "2", 8, 4, longs(2), 1)
        .text("bn.running_var")
        .tensor("FloatStorage", "2", 8, 6, longs(2), 1)
        .text("bn.num_batches_tracked")
        .tensor("LongStorage", "3", 1, 0, longs())
        .endDict()
        .floats("0", sequence(6))
        .floats("1", 7, 8)
        .floats("2", sequence(8))
        .record("3", COUNT);
  }

  private static Sequential model() {
    return Sequential.builder()
        .add("fc", new Dense(3, 2, new SplittableRandom(1)))
        .add("bn", new BatchNorm(2, 1e-5))
        .build();
  }

  @Test
  void stateDictGoesIntoAModelByNames() throws IOException {
    Sequential model = model();
    LoadReport report =
        LoadReport.load(PyTorch.read(file(stateDict(new TorchFile()))), model::visit);
    assertThat(report.isComplete()).isTrue();
    assertThat(report.matched()).hasSize(7);
    assertThat(model.parameters().get("fc.weight").toFloatArray())
        .containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(model.parameters().get("bn.bias").toFloatArray()).containsExactly(3, 4);
    BatchNorm norm = (BatchNorm) model.children().get("bn");
    assertThat(norm.runningVar().toFloatArray()).containsExactly(7, 8);
    assertThat(
            StoredTensors.tensor(
                    PyTorch.read(folder.resolve("model.pt")).get("bn.num_batches_tracked"))
                .item())
        .isEqualTo(9);
  }

  /** PyTorch's names of running statistics are instance norm's too. */
  @Test
  void instanceNormTakesRunningStatistics() throws IOException {
    InstanceNorm norm = InstanceNorm.builder(2).affine().withStatistics().build();
    Sequential model =
        Sequential.builder()
            .add("fc", new Dense(3, 2, new SplittableRandom(1)))
            .add("bn", norm)
            .build();
    LoadReport report =
        LoadReport.load(PyTorch.read(file(stateDict(new TorchFile()))), model::visit);
    assertThat(report.isComplete()).as(report.toString()).isTrue();
    assertThat(norm.gamma().toFloatArray()).containsExactly(1, 2);
    assertThat(norm.runningMean().toFloatArray()).containsExactly(5, 6);
    assertThat(norm.runningVar().toFloatArray()).containsExactly(7, 8);
  }

  @Test
  void theFormatFromBefore16HasTheSameTensors() throws IOException {
    Map<String, Stored> expected = PyTorch.read(file(stateDict(new TorchFile())));
    assertThat(PyTorch.read(file(stateDict(new TorchFile().legacy())))).isEqualTo(expected);
  }

  /**
   * As PyTorch 0.3 and Python 2 have written: texts of bytes, tensors without, parameters with
   * flags.
   */
  @Test
  void olderPicklesAreReadToo() throws IOException {
    TorchFile file = new TorchFile().legacy().code('}', '(').code('U', 1, 'w');
    file.global("torch._utils", "_rebuild_tensor").code('(').storage("FloatStorage", "7", 6);
    file.integer(1).integers(2, 2).integers(2, 1).code('t', 'R');
    file.code('T', 1, 0, 0, 0, 'v').tensor("FloatStorage", "7", 6, 0, longs(6), 1);
    file.text("p").global("torch.nn.parameter", "Parameter").code('(');
    file.tensor("FloatStorage", "7", 6, 4, longs(2), 1).code('t', 'R', 0x88, 0x89, 'N', 0x87, 'b');
    Map<String, Stored> tensors = PyTorch.read(file(file.code('u').floats("7", sequence(6))));
    assertThat(StoredTensors.tensor(tensors.get("p")).toFloatArray()).containsExactly(5, 6);
    assertThat(StoredTensors.tensor(tensors.get("w")).toFloatArray()).containsExactly(2, 3, 4, 5);
    assertThat(StoredTensors.tensor(tensors.get("v")).toFloatArray()).isEqualTo(sequence(6));
  }

  @Test
  void reportSaysWhatDoesNotFit() throws IOException {
    Sequential other =
        Sequential.builder()
            .add("fc", new Dense(4, 2, new SplittableRandom(1)))
            .add("norm", new BatchNorm(2, 1e-5))
            .build();
    float[] before = other.parameters().get("fc.weight").toFloatArray();
    LoadReport report =
        LoadReport.load(PyTorch.read(file(stateDict(new TorchFile()))), other::visit);
    assertThat(report)
        .hasToString(
            """
            loaded: [fc.bias]
            missing: [norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked]
            unexpected: [bn.bias, bn.num_batches_tracked, bn.running_mean, bn.running_var, bn.weight]
            mismatched: [fc.weight: expected floating-point numbers of shape [2, 4], got F32(2, 3)]""");
    assertThat(report.isComplete()).isFalse();
    assertThat(other.parameters().get("fc.weight").toFloatArray()).isEqualTo(before);
    assertThat(other.parameters().get("fc.bias").toFloatArray()).containsExactly(7, 8);
  }

  @Test
  void checkpointsDictIsTakenByItsKey() throws IOException {
    TorchFile checkpoint = new TorchFile().code('}', '(').text("epoch").integer(300);
    checkpoint.text("model").beginDict().text("net").beginDict();
    checkpoint.text("w").tensor("FloatStorage", "0", 6, 0, longs(2, 3), 3, 1);
    checkpoint.code('u', 'u').text("lr").code('G').raw(new byte[8]);
    Path file = file(checkpoint.code('u').floats("0", sequence(6)));
    assertThat(PyTorch.read(file, "model")).containsOnlyKeys("net.w");
    assertThat(PyTorch.read(file, "model.net")).containsOnlyKeys("w");
    assertThatThrownBy(() -> PyTorch.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(
            file + ": epoch: expected a tensor, got 300; dicts of tensors here: [model.net]");
    assertThatThrownBy(() -> PyTorch.read(file, "state"))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": has no dict state; it has [model.net]");
  }

  @Test
  void stridesAreFollowedAndStoragesShared() throws IOException {
    Path file =
        file(
            new TorchFile()
                .code('}', '(')
                .text("turned")
                .tensor("FloatStorage", "0", 24, 0, longs(2, 3, 4), 1, 2, 6)
                .text("part")
                .tensor("FloatStorage", "0", 24, 5, longs(2, 2), 8, 2)
                .text("whole")
                .tensor("FloatStorage", "0", 24, 0, longs(4, 6), 6, 1)
                .text("row")
                .tensor("FloatStorage", "0", 24, 6, longs(1, 6), 77, 1)
                .text("none")
                .tensor("FloatStorage", "0", 24, 0, longs(0, 3), 3, 1)
                .code('u')
                .floats("0", sequence(24)));
    Map<String, Stored> tensors = PyTorch.read(file);
    float[] turned = StoredTensors.tensor(tensors.get("turned")).toFloatArray();
    for (int i = 0; i < 24; i++) {
      int at = i / 12 + i / 4 % 3 * 2 + i % 4 * 6;
      assertThat(turned[i]).isEqualTo(at + 1);
    }
    assertThat(StoredTensors.tensor(tensors.get("part")).toFloatArray())
        .containsExactly(6, 8, 14, 16);
    assertThat(StoredTensors.tensor(tensors.get("row")).toFloatArray())
        .containsExactly(7, 8, 9, 10, 11, 12);
    assertThat(tensors.get("none").shape()).containsExactly(0, 3);
    assertThat(StoredTensors.tensor(tensors.get("whole")).toFloatArray()).isEqualTo(sequence(24));
  }

  @ParameterizedTest
  @CsvSource({
    "FloatStorage, F32, 4", "DoubleStorage, F64, 8", "HalfStorage, F16, 2",
        "BFloat16Storage, BF16, 2",
    "LongStorage, I64, 8", "IntStorage, I32, 4", "ShortStorage, I16, 2", "CharStorage, I8, 1",
    "ByteStorage, U8, 1", "BoolStorage, BOOL, 1"
  })
  void everyTypeOfStorage(String storage, Stored.Type type, int width) throws IOException {
    byte[] bytes = new byte[3 * width];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (type == Stored.Type.BOOL ? i % 2 : i + 1);
    }
    Path file =
        file(
            new TorchFile()
                .code('}', '(')
                .text("t")
                .tensor(storage, "0", 3, 1, longs(2), 1)
                .code('u')
                .record("0", bytes));
    Stored stored = PyTorch.read(file).get("t");
    byte[] found = new byte[2 * width];
    stored.bytes().get(found);
    assertThat(stored.type()).isEqualTo(type);
    assertThat(found).isEqualTo(Arrays.copyOfRange(bytes, width, 3 * width));
  }
}
