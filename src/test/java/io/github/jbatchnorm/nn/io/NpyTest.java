package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
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
        "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f\n4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': \"<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': u '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4',, 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': FalseTrue, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (02, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 L, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
            + "1,1,1,1,1,1,1,1,1,1,1,1,1,6)}",
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
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": has ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",
        "{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2,3,)}",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': 'float32', 'fortran_order': False, 'shape': (2, 3)}",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3), }",
        "{u'descr': u'<f4', u'fortran_order': False, u'shape': (2, 3), }",
        " { 'shape' :\t( 2 ,\n3 ) , 'fortran_order':False,'descr':'<f4'}  \n"
      })
  void headersThatNumPyReadsAreRead(String header) throws IOException {
    Files.write(file, npy(1, header, floats(1, 2, 3, 4, 5, 6)));
    Tensor tensor = StoredTensors.tensor(Npy.read(file));
    assertThat(tensor.shape()).containsExactly(2, 3);
    assertThat(tensor.toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @ParameterizedTest
  @CsvSource({
    "e, F16",
    "f, F32",
    "d, F64",
    "b, I8",
    "h, I16",
    "i, I32",
    "q, I64",
    "B, U8",
    "H, U16",
    "I, U32",
    "Q, U64",
    "?, BOOL",
    "f2, F16",
    "f4, F32",
    "f8, F64",
    "i1, I8",
    "i2, I16",
    "i4, I32",
    "i8, I64",
    "u1, U8",
    "u2, U16",
    "u4, U32",
    "u8, U64",
    "b1, BOOL"
  })
  void everyTypeIsReadInBothOrdersOfBytes(String kind, Stored.Type type) throws IOException {
    byte[] ascending = new byte[2 * type.bytes()];
    byte[] swapped = new byte[ascending.length];
    for (int i = 0; i < ascending.length; i++) {
      int at = i % type.bytes();
      ascending[i] = (byte) (i + 1);
      swapped[i - at + type.bytes() - 1 - at] = (byte) (i + 1);
    }
    for (String order : new String[] {"<", "=", "|", "", ">"}) {
      String header = "{'descr': '" + order + kind + "', 'fortran_order': False, 'shape': (2,), }";
      Files.write(file, npy(1, header, order.equals(">") ? swapped : ascending));
      Stored read = Npy.read(file);
      assertThat(read.type()).isEqualTo(type);
      assertThat(read.bytes()).isEqualTo(ByteBuffer.wrap(ascending));
    }
  }

  @Test
  void bigEndianFortranArraysAreRead() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(24);
    bytes.asFloatBuffer().put(new float[] {1, 4, 2, 5, 3, 6});
    Files.write(file, npy(1, HEADER.replace("<", ">").replace("False", "True"), bytes.array()));
    assertThat(StoredTensors.tensor(Npy.read(file)).toFloatArray())
        .containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void integersAndBooleansBecomeConstantsOfF64() throws IOException {
    record Case(String descr, long bits, double expected) {}
    for (Case each :
        new Case[] {
          new Case("|i1", 0xff, -1),
          new Case("|u1", 0xff, 255),
          new Case("<i2", 0x8000, -32768),
          new Case("<u2", 0x8000, 32768),
          new Case("<i4", 0x80000000L, -0x1p31),
          new Case("<u4", 0x80000000L, 0x1p31),
          new Case("<i8", Long.MIN_VALUE, -0x1p63),
          new Case("<u8", Long.MIN_VALUE, 0x1p63),
          new Case("<u8", 0x8000000000000401L, 0x1.0000000000001p63),
          new Case("<u8", -1, 0x1p64),
          new Case("|b1", 2, 1),
          new Case("|b1", 0, 0)
        }) {
      byte[] bytes =
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(each.bits()).array();
      int width = each.descr().charAt(2) - '0';
      Files.write(
          file,
          npy(
              1,
              "{'descr': '" + each.descr() + "', 'fortran_order': False, 'shape': ()}",
              java.util.Arrays.copyOf(bytes, width)));
      Tensor tensor = StoredTensors.tensor(Npy.read(file));
      assertThat(tensor.item()).as(each.toString()).isEqualTo(each.expected());
      assertThat(tensor.dtype()).isEqualTo(DType.F64);
      assertThat(tensor.isConstant()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatIsWrittenIsReadForEveryNameAndShape(long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Stored> arrays = new LinkedHashMap<>();
    while (arrays.size() < 6) {
      Stored entry = RandomEntries.entry(random);
      if (entry.type() != Stored.Type.BF16) {
        arrays.put(RandomEntries.text(random, arrays.isEmpty() ? 64_000 : 20) + seed, entry);
        Npy.write(file, entry);
        assertThat(Npy.read(file)).isEqualTo(entry);
      }
    }
    Path archive = folder.resolve("a.npz");
    Npy.writeAll(archive, arrays);
    assertThat(Npy.readAll(archive)).containsExactlyEntriesOf(arrays);
  }

  @Test
  void whatCouldNotBeReadIsNotWritten() {
    Path archive = folder.resolve("a.npz");
    Stored one = Stored.count(1);
    for (String name : new String[] {"a\ud800", "\udc00", "x".repeat(65_001), null}) {
      Map<String, Stored> arrays = new LinkedHashMap<>();
      arrays.put(name, one);
      assertThatThrownBy(() -> Npy.writeAll(archive, arrays))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("arrays: expected ");
      assertThat(archive).doesNotExist();
    }
  }

  @Test
  void shapesThatNoFileHasAreRefused() {
    ByteBuffer none = ByteBuffer.allocate(0);
    for (int[] shape :
        new int[][] {
          {-1, 0},
          {0, -1},
          {Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE, 0},
          new int[33]
        }) {
      assertThatThrownBy(() -> new Stored(Stored.Type.F32, shape, none))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("shape: expected ");
    }
  }

  @Test
  void headersPastNumPysLimitAreRefused() throws IOException {
    String padded = HEADER + " ".repeat(10_000 - HEADER.length());
    Files.write(file, npy(1, padded, floats(1, 2, 3, 4, 5, 6)));
    assertThat(Npy.read(file).shape()).containsExactly(2, 3);
    for (int version = 1; version <= 3; version++) {
      Files.write(file, npy(version, padded + " ", floats(1, 2, 3, 4, 5, 6)));
      assertThatThrownBy(() -> Npy.read(file))
          .isInstanceOf(FileFormatException.class)
          .hasMessage(file + ": says that its header has 10001 bytes, expected at most 10000");
    }
  }

  /** Returns where an archive's directory begins: after the last array. */
  private static int directory(byte... archive) {
    return new String(archive, StandardCharsets.ISO_8859_1).indexOf("PK\001\002");
  }

  @Test
  void compressedArraysThatEndEarlyAreRefusedByName() throws IOException {
    byte[] elements = new byte[24];
    new SplittableRandom(1).nextBytes(elements);
    Path archive = folder.resolve("a.npz");
    try (OutputStream out = Files.newOutputStream(archive);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("a.npy"));
      zip.write(npy(1, HEADER, elements));
    }
    assertThat(Npy.readAll(archive).get("a").bytes()).isEqualTo(ByteBuffer.wrap(elements));
    byte[] bytes = Files.readAllBytes(archive);
    int size = directory(bytes) + 20;
    bytes[size] = (byte) (bytes[size] - 9);
    Files.write(archive, bytes);
    assertThatThrownBy(() -> Npy.readAll(archive))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(archive + ": ends within an array");
  }

  @Test
  void aChangedByteInAnArchiveIsFoundAndACutOneIsNamed() throws IOException {
    Path archive = folder.resolve("a.npz");
    Npy.writeAll(archive, Map.of("a", StoredTensors.of(Tensor.of(new float[] {1, 2, 3, 4}))));
    byte[] bytes = Files.readAllBytes(archive);
    byte[] changed = bytes.clone();
    changed[directory(bytes) - 1] ^= 1;
    Files.write(archive, changed);
    assertThatThrownBy(() -> Npy.readAll(archive))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(archive + " a.npy: has another check sum than the archive says");
    for (int length = 0; length < bytes.length; length += 7) {
      Files.write(archive, java.util.Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> Npy.readAll(archive))
          .isInstanceOf(FileFormatException.class)
          .hasMessageStartingWith(archive.toString());
    }
  }

  @Test
  void messagesAreOfOneLineAndNameTheFile() throws IOException {
    Files.write(file, npy(1, HEADER.replace("<f4", "<f4\u2028" + "x".repeat(2000))));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": has elements of type <f4")
        .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(700));
    assertThatThrownBy(() -> Npy.read(folder)).hasMessage(folder + ": is a folder");
  }

  @Test
  void wrongLengthsAreRefused() throws IOException {
    Files.write(file, npy(1, HEADER, floats(1, 2, 3, 4, 5)));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": ends after 20 of 24 bytes of elements");
    Files.write(file, npy(1, HEADER, floats(1, 2, 3, 4, 5, 6, 7)));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": goes on after its 24 bytes of elements");
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": does not begin as a .npy file does");
    byte[] huge = npy(2, HEADER);
    huge[11] = 0x7f;
    Files.write(file, huge);
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(FileFormatException.class)
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
      } catch (FileFormatException e) {
        assertThat(e).hasMessageStartingWith(file.toString());
      }
    }
  }

  @Test
  void brokenArchivesAreRefused() throws IOException {
    Files.write(file, new byte[] {'P', 'K', 3, 4, 5});
    assertThatThrownBy(() -> Npy.readAll(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("is no zip archive");
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("readme.txt"));
    }
    assertThatThrownBy(() -> Npy.readAll(file))
        .isInstanceOf(FileFormatException.class)
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

  @Test
  void oneArrayOfAnArchiveIsReadWithoutTheOthers() throws IOException {
    Path file = folder.resolve("some.npz");
    Npy.writeAll(file, Map.of("a", Stored.count(1), "b", Stored.count(2)));
    assertThat(Npy.names(file)).containsExactlyInAnyOrder("a", "b");
    assertThat(Npy.read(file, "b")).isEqualTo(Stored.count(2));
    assertThatThrownBy(() -> Npy.read(file, "c"))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": holds no c.npy");
  }
}
