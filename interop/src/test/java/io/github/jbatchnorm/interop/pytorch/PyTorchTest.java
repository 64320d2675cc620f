package io.github.jbatchnorm.interop.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.interop.LoadReport;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.file.Files;
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

  private static float[] sequence(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i + 1;
    }
    return values;
  }

  private static long[] longs(long... values) {
    return values;
  }

  private Path file(TorchFile file) {
    return file.write(folder.resolve("model.pt"));
  }

  /** A dense layer and a batch norm, as a state dict has them. */
  private static TorchFile stateDict(TorchFile file) {
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

  @Test
  void nothingIsRun() {
    for (String asked :
        new String[] {"os.system", "builtins.eval", "torch._utils._rebuild_qtensor"}) {
      int dot = asked.lastIndexOf('.');
      TorchFile file = new TorchFile();
      file.global(asked.substring(0, dot), asked.substring(dot + 1))
          .code('(')
          .text("touch x")
          .code('t', 'R');
      Path path = file(file);
      assertThatThrownBy(() -> PyTorch.read(path))
          .isInstanceOf(FileFormatException.class)
          .hasMessage(
              path
                  + ": asks for "
                  + asked
                  + ": only dicts of tensors are read, and nothing is run");
    }
  }

  private void assertRefused(String message, TorchFile file) {
    Path path = file(file);
    assertThatThrownBy(() -> PyTorch.read(path))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(message);
  }

  private static TorchFile one(long length, long offset, long[] shape, long... strides) {
    return new TorchFile()
        .code('}', '(')
        .text("t")
        .tensor("FloatStorage", "0", length, offset, shape, strides)
        .code('u')
        .floats("0", sequence(6));
  }

  @Test
  void tensorsLieWithinTheirStorages() {
    String within = "is not within a storage of 6 elements";
    assertRefused(within, one(6, 1, longs(2, 3), 3, 1));
    assertRefused(within, one(6, 0, longs(7), 1));
    assertRefused(within, one(6, -1, longs(2), 1));
    assertRefused(within, one(6, Long.MAX_VALUE, longs(2), 1));
    assertRefused(within, one(6, 0, longs(2), -1));
    assertRefused(within, one(6, 0, longs(1L << 40), 0));
    assertRefused(within, one(6, 0, longs(1 << 30, 1 << 30), 0, 0));
    assertRefused(within, one(6, 0, longs(-1), 1));
    assertRefused("storage 0: expected 20 bytes, got 24", one(5, 0, longs(2), 1));
    assertRefused("is of a storage past 2 GiB", one(1L << 40, 0, longs(2), 1));
    assertRefused("has a tensor of 1 axes with 2 strides", one(6, 0, longs(2), 1, 1));
  }

  @Test
  void otherArchivesAreRefusedByTheirKind() throws IOException {
    assertRefused(
        "is compressed, which PyTorch's files are not", stateDict(new TorchFile()).deflated());
    assertRefused(
        "is a TorchScript archive: save the model's state_dict() instead",
        stateDict(new TorchFile()).other("constants.pkl", ""));
    assertRefused(
        "has big-endian numbers, which are not read",
        stateDict(new TorchFile()).other("byteorder", "big"));
    assertRefused(
        "has no storage 5",
        new TorchFile()
            .code('}', '(')
            .text("t")
            .tensor("FloatStorage", "5", 1, 0, longs(1), 1)
            .code('u'));
    Path old = Files.write(folder.resolve("old.pt"), new byte[] {(byte) 0x80, 2, 'x'});
    assertThatThrownBy(() -> PyTorch.read(old))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("is of PyTorch's format from before version 1.6");
    assertThatThrownBy(() -> PyTorch.read(folder)).hasMessage(folder + ": is a folder");
  }

  /** Dicts inside themselves, marks and memories that are not there, and the like. */
  @Test
  void picklesThatMeanHarmAreRefused() {
    assertRefused("is cut short", new TorchFile().code('J', 1));
    assertRefused("has a text of 2147483647 bytes", new TorchFile().code('X', 255, 255, 255, 127));
    assertRefused("has the instruction 0x69, which is not read", new TorchFile().code('i'));
    assertRefused("is of protocol 9: 2 to 5 are read", new TorchFile().code(0x80, 9));
    assertRefused("takes object 7 before it is there", new TorchFile().code('h', 7));
    assertRefused("goes back to a mark that is not there", new TorchFile().code('}', 'u'));
    assertRefused("takes an object where there is none", new TorchFile().code('}', 's'));
    assertRefused("sets pairs in what is no dict", new TorchFile().code(']', 'K', 1, 'K', 2, 's'));
    assertRefused(
        "has a dict with a key that is no text and no number",
        new TorchFile().code('}', ']', 'K', 2, 's'));
    assertRefused("the pickle calls a text", new TorchFile().text("f").code(')', 'R'));
    assertRefused("expected a dict of tensors, got a list", new TorchFile().code(']'));
    assertRefused(
        "has dicts inside each other more than 64 deep",
        new TorchFile().code('}', 'q', 0, 'K', 1, 'h', 0, 's'));
    TorchFile deep = new TorchFile();
    for (int i = 0; i < 100_000; i++) {
      deep.code('}', 'K', 1);
    }
    deep.code('}');
    for (int i = 0; i < 100_000; i++) {
      deep.code('s');
    }
    assertRefused("has dicts inside each other more than 64 deep", deep);
  }

  /** 2^40 names of one tensor. */
  @Test
  void dictsThatShareDictsDoNotMultiply() {
    TorchFile file =
        new TorchFile()
            .code('}')
            .text("t")
            .tensor("FloatStorage", "0", 6, 0, longs(6), 1)
            .code('s');
    for (int i = 0; i < 40; i++) {
      file.code(
          'r', i, 1, 0, 0, '0', '}', '(', 'K', 0, 'j', i, 1, 0, 0, 'K', 1, 'j', i, 1, 0, 0, 'u');
    }
    assertRefused("has more than 1000000 tensors", file.floats("0", sequence(6)));
  }

  @Test
  void changedBytesAreReadOrRefused() throws IOException {
    byte[] whole = stateDict(new TorchFile()).bytes();
    SplittableRandom random = new SplittableRandom(3);
    Path file = folder.resolve("changed.pt");
    int refused = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] changed = i < 500 ? Arrays.copyOf(whole, whole.length * i / 500) : whole.clone();
      for (int n = i < 500 ? 0 : random.nextInt(1, 4); n > 0; n--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, changed);
      try {
        PyTorch.read(file);
      } catch (FileFormatException e) {
        assertThat(e.getMessage()).startsWith(file + ": ").hasLineCount(1);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(500);
  }
}
