package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.nn.StoredTensors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NumPy's files. */
class NpyTest {
  private static final String HEADER =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("a.npy");
  }

  private static byte[] npy(int version, String header, byte... data) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    int bytes = version == 1 ? 2 : 4;
    for (int i = 0; i < bytes; i++) {
      out.write(text.length >> (8 * i));
    }
    out.writeBytes(text);
    out.writeBytes(data);
    return out.toByteArray();
  }

  private static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyVersionIsRead(int version) throws IOException {
    Files.write(file, npy(version, HEADER, floats(1, 2, 3, 4, 5, 6)));
    Tensor tensor = StoredTensors.tensor(Npy.read(file));
    assertThat(tensor.shape()).containsExactly(2, 3);
    assertThat(tensor.toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void fortransOrderBecomesCs() throws IOException {
    Files.write(file, npy(1, HEADER.replace("False", "True"), floats(1, 4, 2, 5, 3, 6)));
    assertThat(StoredTensors.tensor(Npy.read(file)).toFloatArray())
        .containsExactly(1, 2, 3, 4, 5, 6);
  }

  @ParameterizedTest
  @CsvSource({"F32", "F64", "F16"})
  void whatIsWrittenIsRead(DType dtype) throws IOException {
    for (int[] shape : new int[][] {{}, {6}, {2, 3}, {0, 5}, {1, 2, 3, 1}}) {
      int size = 1;
      for (int axis : shape) {
        size *= axis;
      }
      double[] values = new SplittableRandom(1).doubles(size).toArray();
      Tensor tensor =
          (shape.length == 0 ? Tensor.scalar(values[0]) : Tensor.of(values, shape)).astype(dtype);
      Npy.write(file, StoredTensors.of(tensor));
      Tensor read = StoredTensors.tensor(Npy.read(file));
      assertThat(read.dtype()).isEqualTo(dtype);
      assertThat(read.shape()).isEqualTo(shape);
      assertThat(read.toDoubleArray()).isEqualTo(tensor.toDoubleArray());
    }
  }

  @Test
  void theBytesAreThoseThatNumPyWrites() throws IOException {
    Npy.write(file, StoredTensors.of(Tensor.of(new float[] {1, 2})));
    byte[] bytes = Files.readAllBytes(file);
    assertThat(bytes).hasSize(128 + 8);
    assertThat(new String(bytes, 10, 118, StandardCharsets.US_ASCII))
        .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }")
        .endsWith(" \n");
  }

  @Test
  void archivesKeepNamesAndOrder() throws IOException {
    Map<String, Stored> arrays = new LinkedHashMap<>();
    arrays.put("weight", StoredTensors.of(Tensor.of(new float[] {1, 2})));
    arrays.put("num_batches_tracked", Stored.count(7));
    Path archive = folder.resolve("a.npz");
    Npy.writeAll(archive, arrays);
    Map<String, Stored> read = Npy.readAll(archive);
    assertThat(read.keySet()).containsExactly("weight", "num_batches_tracked");
    assertThat(read.get("num_batches_tracked").bytes().getLong()).isEqualTo(7);
    assertThat(StoredTensors.tensor(read.get("weight")).toFloatArray()).containsExactly(1, 2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': True}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': (1), 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': True}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, , 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9999999999)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} and more",
        "__import__('os').system('true')"
      })
  void hostileHeadersAreRefused(String header) throws IOException {
    Files.write(file, npy(1, header, floats(1, 2, 3, 4, 5, 6)));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(NpyException.class)
        .hasMessageStartingWith(file + ": has ");
  }

  @Test
  void wrongLengthsAreRefused() throws IOException {
    Files.write(file, npy(1, HEADER, floats(1, 2, 3, 4, 5)));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(NpyException.class)
        .hasMessage(file + ": ends after 20 of 24 bytes of elements");
    Files.write(file, npy(1, HEADER, floats(1, 2, 3, 4, 5, 6, 7)));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(NpyException.class)
        .hasMessage(file + ": goes on after its 24 bytes of elements");
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(NpyException.class)
        .hasMessage(file + ": does not begin as a .npy file does");
    byte[] huge = npy(2, HEADER);
    huge[11] = 0x7f;
    Files.write(file, huge);
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(NpyException.class)
        .hasMessageContaining("says that its header has");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void everyCutAndChangedByteIsReadOrRefused(long seed) throws IOException {
    byte[] whole = npy(1, HEADER, floats(1, 2, 3, 4, 5, 6));
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 300; round++) {
      byte[] bytes = java.util.Arrays.copyOf(whole, random.nextInt(whole.length + 1));
      if (round % 2 == 0) {
        bytes = whole.clone();
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      Files.write(file, bytes);
      try {
        assertThat(Npy.read(file).bytes().remaining()).isPositive();
      } catch (NpyException e) {
        assertThat(e).hasMessageStartingWith(file.toString());
      }
    }
  }

  @Test
  void brokenArchivesAreRefused() throws IOException {
    Files.write(file, new byte[] {'P', 'K', 3, 4, 5});
    assertThatThrownBy(() -> Npy.readAll(file))
        .isInstanceOf(NpyException.class)
        .hasMessageContaining("is no zip archive");
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("readme.txt"));
    }
    assertThatThrownBy(() -> Npy.readAll(file))
        .isInstanceOf(NpyException.class)
        .hasMessageContaining("holds readme.txt, which is no array");
  }

  @Test
  void bf16IsRefusedByNameAndTheOldFileStays() throws IOException {
    Npy.write(file, Stored.count(1));
    Stored bf16 = StoredTensors.of(Tensor.of(new float[] {1}).astype(DType.BF16));
    assertThatThrownBy(() -> Npy.write(file, bf16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("array: NumPy has no type for BF16(1)");
    assertThat(Npy.read(file).bytes().getLong()).isEqualTo(1);
  }
}
