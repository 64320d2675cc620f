package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Safetensors files: round trip, and headers that lie. */
class SafetensorsTest {
  @TempDir private Path folder;

  private static byte[] file(String header, int dataBytes) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  @Test
  void whatIsWrittenIsReadInOrder() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putFloat(1.5f).putFloat(-2).putFloat(3).putFloat(4).putFloat(5).putFloat(6).flip();
    Map<String, Stored> tensors = new LinkedHashMap<>();
    tensors.put("z \"quoted\" é", new Stored(Stored.Type.F32, new int[] {2, 3}, bytes));
    tensors.put("a", Stored.count(-7));
    tensors.put("empty", new Stored(Stored.Type.F64, new int[] {0, 4}, ByteBuffer.allocate(0)));
    Path file = folder.resolve("model.safetensors");
    new Safetensors(tensors, Map.of("epoch", "3")).write(file);
    Safetensors read = Safetensors.read(file);
    assertThat(read.tensors().keySet()).containsExactlyElementsOf(tensors.keySet());
    assertThat(read.tensors().get("z \"quoted\" é").bytes()).isEqualTo(bytes);
    assertThat(read.tensors().get("z \"quoted\" é").shape()).containsExactly(2, 3);
    assertThat(read.tensors().get("a").bytes().getLong()).isEqualTo(-7);
    assertThat(read.tensors().get("empty").shape()).containsExactly(0, 4);
    assertThat(read.metadata()).containsExactly(Map.entry("epoch", "3"));
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void failedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Path target = folder.resolve("model.safetensors");
    Files.createDirectory(target);
    Files.write(target.resolve("kept"), new byte[1]);
    assertThatThrownBy(() -> new Safetensors(Map.of(), Map.of()).write(target))
        .isInstanceOf(IOException.class);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(target);
    }
    assertThat(target.resolve("kept")).exists();
  }

  private static String one(String type, String shape, String offsets) {
    return "{\"w\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(type, shape, offsets);
  }

  static Stream<Arguments> hostileFiles() {
    String good = one("\"F32\"", "[2]", "[0,8]");
    return Stream.of(
        Arguments.of("short", new byte[] {1, 2, 3}, "is 3 bytes long"),
        Arguments.of("header longer than the file", longHeader(1L << 40), "says that its header"),
        Arguments.of("negative header length", longHeader(-1), "says that its header"),
        Arguments.of("no header", longHeader(0), "says that its header"),
        Arguments.of("no JSON", file("hello!", 8), "is no valid JSON"),
        Arguments.of("half JSON", file(good.substring(0, 30), 8), "is no valid JSON"),
        Arguments.of("an array", file("[1]", 8), "expected start object, got start array"),
        Arguments.of("text after the header", file(good + "{}", 8), "goes on after its end"),
        Arguments.of("too few bytes", file(good, 7), "within 7 bytes"),
        Arguments.of("too many bytes", file(good, 9), "expected 8 bytes, got 9"),
        Arguments.of("unknown dtype", file(one("\"F8_E4M3\"", "[2]", "[0,4]"), 4), "dtype F8_E4M3"),
        Arguments.of("dtype no text", file(one("7", "[2]", "[0,8]"), 8), "w dtype expected"),
        Arguments.of("negative axis", file(one("\"F32\"", "[-2]", "[0,8]"), 8), "negative number"),
        Arguments.of("axis no integer", file(one("\"F32\"", "[2.0]", "[0,8]"), 8), "w shape"),
        Arguments.of(
            "axes that overflow",
            file(one("\"F32\"", "[2147483647,2147483647,2147483647,4]", "[0,8]"), 8),
            "past 2 GiB"),
        Arguments.of(
            "axes that overflow beside one of 0",
            file(one("\"F32\"", "[2147483647,2147483647,2147483647,0]", "[0,0]"), 0),
            "past 2 GiB"),
        Arguments.of(
            "a line in a name",
            file("{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4),
            "a\\u000ab has 4 bytes"),
        Arguments.of(
            "huge axis", file(one("\"F32\"", "[4294967298]", "[0,8]"), 8), "axis of 4294967298"),
        Arguments.of(
            "number past 64 bits",
            file(one("\"F32\"", "[99999999999999999999]", "[0,8]"), 8),
            "is no valid JSON"),
        Arguments.of("wrong length", file(one("\"F32\"", "[3]", "[0,8]"), 8), "expected 12"),
        Arguments.of("backwards", file(one("\"F32\"", "[2]", "[8,0]"), 8), "data_offsets 8 to 0"),
        Arguments.of("a gap", file(one("\"F32\"", "[1]", "[4,8]"), 8), "go on from 0"),
        Arguments.of("one offset", file(one("\"F32\"", "[2]", "[8]"), 8), "two data_offsets"),
        Arguments.of("shape missing", file("{\"w\":{\"dtype\":\"F32\"}}", 0), "expected dtype"),
        Arguments.of("unknown field", file("{\"w\":{\"x\":1}}", 0), "unknown field x"),
        Arguments.of(
            "the same name twice",
            file(good.substring(0, good.length() - 1) + "," + good.substring(1), 8),
            "Duplicate"),
        Arguments.of(
            "overlap",
            file(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                    + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                12),
            "go on from 8"),
        Arguments.of(
            "metadata that is no text", file("{\"__metadata__\":{\"a\":1}}", 0), "__metadata__ a"),
        Arguments.of(
            "deep nesting", file("{\"w\":" + "[".repeat(100_000), 0), "expected start object"));
  }

  private static Stored floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new Stored(Stored.Type.F32, new int[] {values.length}, bytes);
  }

  private static Map<String, String> metadata(String key, String value) {
    Map<String, String> metadata = new HashMap<>();
    metadata.put(key, value);
    return metadata;
  }

  static Stream<Arguments> unreadable() {
    Map<String, Stored> none = Map.of();
    return Stream.of(
        Arguments.of(Map.of("a".repeat(50_001), floats(1)), Map.of(), "tensors: expected names of"),
        Arguments.of(Map.of("é".repeat(25_001), floats(1)), Map.of(), "tensors: expected names of"),
        Arguments.of(Map.of("a\ud800", floats(1)), Map.of(), "tensors: expected texts of whole"),
        Arguments.of(Map.of("__metadata__", floats(1)), Map.of(), "tensors: a tensor cannot be"),
        Arguments.of(none, metadata("epoch", null), "metadata: expected a text"),
        Arguments.of(none, metadata(null, "3"), "metadata: expected texts of whole"),
        Arguments.of(none, metadata("a", "\udc00"), "metadata: expected a text"),
        Arguments.of(none, metadata("a", "x".repeat(20_000_001)), "metadata: expected a text"));
  }

  @ParameterizedTest
  @MethodSource("unreadable")
  void whatCouldNotBeReadIsNotWritten(
      Map<String, Stored> tensors, Map<String, String> metadata, String message)
      throws IOException {
    Path file = folder.resolve("a.safetensors");
    assertThatThrownBy(() -> new Safetensors(tensors, metadata).write(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  private static final long GIGABYTE = 1L << 30;

  /** A file of zeros, but for what is written, that takes next to no room. */
  private Path sparse(String name, long size, Map<Long, byte[]> written) throws IOException {
    Path file = folder.resolve(name);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.allocate(1), size - 1);
      for (Map.Entry<Long, byte[]> entry : written.entrySet()) {
        channel.write(ByteBuffer.wrap(entry.getValue()), entry.getKey());
      }
    }
    return file;
  }

  @Test
  void headerOfMoreThan2GiBGoesOnCounting() throws IOException {
    ByteBuffer gigabyte;
    try (FileChannel channel = FileChannel.open(sparse("zeros", GIGABYTE, Map.of()))) {
      gigabyte = channel.map(FileChannel.MapMode.READ_ONLY, 0, GIGABYTE);
    }
    Stored each = new Stored(Stored.Type.U8, new int[] {1 << 30}, gigabyte);
    Map<String, Stored> tensors = new LinkedHashMap<>();
    for (String name : List.of("a", "b", "c")) {
      tensors.put(name, each);
    }
    byte[] header = SafetensorsHeader.text(new Safetensors(tensors, Map.of()));
    assertThat(new String(header, StandardCharsets.UTF_8))
        .contains("\"data_offsets\":[2147483648,3221225472]");
  }

  @Test
  void filesPast2GiBAreMappedAndReadByTheTensor() throws IOException {
    String claim = "\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%s,%s]}";
    String header =
        "{%s,%s,%s,%s}"
            .formatted(
                claim.formatted("a", 1 << 28, 0, GIGABYTE),
                claim.formatted("b", 1 << 28, GIGABYTE, 2 * GIGABYTE),
                claim.formatted("c", 1, 2 * GIGABYTE, 2 * GIGABYTE + 4),
                claim.formatted("d", 2, 2 * GIGABYTE + 4, 2 * GIGABYTE + 12));
    byte[] begin = file(header, 0);
    byte[] numbers = {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40}; // 1, 2, 3
    Path file =
        sparse(
            "large.safetensors",
            begin.length + 2 * GIGABYTE + 12,
            Map.of(0L, begin, begin.length + 2 * GIGABYTE, numbers));
    assertThat(Safetensors.names(file)).containsExactly("a", "b", "c", "d");
    assertThat(Safetensors.read(file, "d")).isEqualTo(floats(2, 3));
    Safetensors mapped = Safetensors.map(file);
    assertThat(mapped.tensors().get("c")).isEqualTo(floats(1));
    assertThat(mapped.tensors().get("d")).isEqualTo(floats(2, 3));
    assertThat(mapped.tensors().get("b").bytes().isDirect()).isTrue();
    assertThat(mapped.tensors().get("b").bytes().getInt((1 << 30) - 4)).isZero();
  }

  @Test
  void mappedIsAsRead() throws IOException {
    Map<String, Stored> tensors = new LinkedHashMap<>();
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 6; i++) {
      tensors.put("t" + i, RandomEntries.entry(random));
    }
    Path file = folder.resolve("a.safetensors");
    new Safetensors(tensors, Map.of("k", "v")).write(file);
    assertThat(Safetensors.map(file)).isEqualTo(Safetensors.read(file));
    for (Map.Entry<String, Stored> entry : tensors.entrySet()) {
      assertThat(Safetensors.read(file, entry.getKey())).isEqualTo(entry.getValue());
    }
    assertThatThrownBy(() -> Safetensors.read(file, "t6"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name: " + file + " has no tensor t6");
  }

  /** Names and texts at the limits, of one to four bytes a character. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatIsWrittenIsReadForEveryNameAndShape(long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Stored> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (int i = 0; i < 6; i++) {
      tensors.put(
          i + RandomEntries.text(random, i == 0 ? 49_990 : 20), RandomEntries.entry(random));
      metadata.put(i + RandomEntries.text(random, 30), RandomEntries.text(random, 100_000));
    }
    Path file = folder.resolve("a.safetensors");
    Safetensors written = new Safetensors(tensors, metadata);
    written.write(file);
    Safetensors read = Safetensors.read(file);
    assertThat(read).isEqualTo(written);
    assertThat(read.tensors().keySet()).containsExactlyElementsOf(tensors.keySet());
  }

  /** The order of Map.of is another in each JVM. */
  @Test
  void metadataAreWrittenInTheOrderOfTheirNames() throws IOException {
    Map<String, String> upwards = new LinkedHashMap<>();
    Map<String, String> downwards = new LinkedHashMap<>();
    for (int i = 0; i < 9; i++) {
      upwards.put("key" + i, "value" + i);
      downwards.put("key" + (8 - i), "value" + (8 - i));
    }
    Path first = folder.resolve("first.safetensors");
    Path second = folder.resolve("second.safetensors");
    new Safetensors(Map.of(), upwards).write(first);
    new Safetensors(Map.of(), downwards).write(second);
    assertThat(first).hasSameBinaryContentAs(second);
  }

  @Test
  void aFolderIsNamed() {
    assertThatThrownBy(() -> Safetensors.read(folder))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(folder + ": is a folder");
  }

  private static byte[] longHeader(long length) {
    return ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostileFiles")
  void hostileFileIsRefusedWithAMessage(String name, byte[] bytes, String message)
      throws IOException {
    Path file = folder.resolve("hostile.safetensors");
    Files.write(file, bytes);
    assertThatThrownBy(() -> Safetensors.read(file))
        .as(name)
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
    assertThatThrownBy(() -> Safetensors.map(file))
        .as(name)
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> Safetensors.read(file, "w"))
        .as(name)
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(message);
  }
}
