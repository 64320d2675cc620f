package io.github.jbatchnorm.interop.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that mean harm, or are broken: nothing is run, nothing is read past its end. */
class PyTorchHostileTest {
  @TempDir private Path folder;

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
      Path path = file.write(folder.resolve("model.pt"));
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
    Path path = file.write(folder.resolve("model.pt"));
    assertThatThrownBy(() -> PyTorch.read(path))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(message);
  }

  private static TorchFile one(long length, long offset, long[] shape, long... strides) {
    return one(new TorchFile(), length, offset, shape, strides);
  }

  private static TorchFile one(
      TorchFile file, long length, long offset, long[] shape, long... strides) {
    return file.code('}', '(')
        .text("t")
        .tensor("FloatStorage", "0", length, offset, shape, strides)
        .code('u')
        .floats("0", PyTorchTest.sequence(6));
  }

  @Test
  void tensorsLieWithinTheirStorages() {
    String within = "is not within a storage of 6 elements";
    assertRefused(within, one(6, 1, PyTorchTest.longs(2, 3), 3, 1));
    assertRefused(within, one(6, 0, PyTorchTest.longs(7), 1));
    assertRefused(within, one(6, -1, PyTorchTest.longs(2), 1));
    assertRefused(within, one(6, Long.MAX_VALUE, PyTorchTest.longs(2), 1));
    assertRefused(within, one(6, 0, PyTorchTest.longs(2), -1));
    assertRefused(within, one(6, 0, PyTorchTest.longs(1L << 40), 0));
    assertRefused(within, one(6, 0, PyTorchTest.longs(1 << 30, 1 << 30), 0, 0));
    assertRefused(within, one(6, 0, PyTorchTest.longs(-1), 1));
    assertRefused("storage 0: expected 20 bytes, got 24", one(5, 0, PyTorchTest.longs(2), 1));
    assertRefused("is of a storage past 2 GiB", one(1L << 40, 0, PyTorchTest.longs(2), 1));
    assertRefused("has a tensor of 1 axes with 2 strides", one(6, 0, PyTorchTest.longs(2), 1, 1));
  }

  @Test
  void otherArchivesAreRefusedByTheirKind() throws IOException {
    assertRefused(
        "is compressed, which PyTorch's files are not",
        PyTorchTest.stateDict(new TorchFile()).deflated());
    assertRefused(
        "is a TorchScript archive: save the model's state_dict() instead",
        PyTorchTest.stateDict(new TorchFile()).other("constants.pkl", ""));
    assertRefused(
        "has big-endian numbers, which are not read",
        PyTorchTest.stateDict(new TorchFile()).other("byteorder", "big"));
    assertRefused(
        "has no storage 5",
        new TorchFile()
            .code('}', '(')
            .text("t")
            .tensor("FloatStorage", "5", 1, 0, PyTorchTest.longs(1), 1)
            .code('u'));
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
    assertRefused(
        "sets the state of what is no dict",
        new TorchFile()
            .code('}', 'K', 1)
            .tensor("FloatStorage", "0", 6, 0, PyTorchTest.longs(6), 1)
            .code(0x88, 0x85, 'b', 's'));
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
            .tensor("FloatStorage", "0", 6, 0, PyTorchTest.longs(6), 1)
            .code('s');
    for (int i = 0; i < 40; i++) {
      file.code(
          'r', i, 1, 0, 0, '0', '}', '(', 'K', 0, 'j', i, 1, 0, 0, 'K', 1, 'j', i, 1, 0, 0, 'u');
    }
    assertRefused("has more than 200000 tensors", file.floats("0", PyTorchTest.sequence(6)));
  }

  private static TorchFile legacy() {
    return new TorchFile().legacy();
  }

  @Test
  void filesFromBefore16AreCheckedAsFar() throws IOException {
    assertRefused(
        "is not within a storage of 6 elements",
        one(legacy(), 6, 1, PyTorchTest.longs(2, 3), 3, 1));
    assertRefused("storage 0: is cut short", one(legacy(), 7, 0, PyTorchTest.longs(2), 1));
    assertRefused(
        "storage 0: is cut short", one(legacy(), Long.MAX_VALUE, 0, PyTorchTest.longs(2), 1));
    assertRefused(
        "has big-endian numbers, which are not read",
        one(legacy().bigEndian(), 6, 0, PyTorchTest.longs(2), 1));
    assertRefused(
        "storage 0: is named with two types or lengths",
        legacy()
            .code('}', '(')
            .text("a")
            .tensor("FloatStorage", "0", 6, 0, PyTorchTest.longs(1), 1)
            .text("b")
            .tensor("HalfStorage", "0", 6, 0, PyTorchTest.longs(1), 1)
            .code('u')
            .floats("0", PyTorchTest.sequence(6)));
    assertRefused(
        "asks for os.system: only dicts of tensors are read, and nothing is run",
        legacy().global("os", "system").code('(').text("touch x").code('t', 'R'));
  }

  /** Bytes 21 on are the machine's pickle; the first two are the format and its version. */
  @Test
  void filesThatBeginAsThoseFromBefore16() throws IOException {
    byte[] whole = PyTorchTest.stateDict(legacy()).bytes();
    assertBegins("is no file of PyTorch: it begins with a pickle of something", whole, 5, 1);
    assertBegins("is of another version of PyTorch's old format than 1001", whole, 18, 1);
    assertBegins("the pickle has the instruction 0x78, which is not read", whole, 2, 'x');
    assertBegins("has an integer of 17 bytes", whole, 3, 17);
    int count = whole.length - COUNT_AND_ELEMENT + 1;
    assertBegins("storage 3: expected 1 elements, got 257", whole, count, 1);
    assertBegins("storage 3: expected 1 elements, got", whole, count + 6, -1);
  }

  private static final int COUNT_AND_ELEMENT = 16;

  private void assertBegins(String message, byte[] whole, int at, int value) throws IOException {
    byte[] changed = whole.clone();
    changed[at] = (byte) value;
    Path file = Files.write(folder.resolve("old.pt"), changed);
    assertThatThrownBy(() -> PyTorch.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void changedBytesAreReadOrRefused(boolean legacy) throws IOException {
    byte[] whole = PyTorchTest.stateDict(legacy ? legacy() : new TorchFile()).bytes();
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
