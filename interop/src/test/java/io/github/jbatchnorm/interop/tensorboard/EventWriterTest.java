package io.github.jbatchnorm.interop.tensorboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Event files beside a reader of their own, by the format's rules. */
class EventWriterTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_800_000_000L, 250_000_000), ZoneOffset.UTC);

  @TempDir private Path folder;

  /** Bit by bit, the polynomial's bits turned round. */
  private static int crc(byte[] bytes) {
    int crc = -1;
    for (byte each : bytes) {
      crc ^= each & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc >>> 1) ^ ((crc & 1) == 0 ? 0 : 0x82f63b78);
      }
    }
    return ~crc;
  }

  private static int masked(int crc) {
    return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
  }

  private static byte[] take(ByteBuffer from, int size) {
    byte[] bytes = new byte[size];
    from.get(bytes);
    return bytes;
  }

  /** Returns the records, all of whose check sums are right. */
  private static List<byte[]> records(Path file) throws IOException {
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> records = new ArrayList<>();
    while (all.hasRemaining()) {
      int begin = all.position();
      long length = all.getLong();
      byte[] lengthBytes = new byte[8];
      all.get(begin, lengthBytes);
      assertThat(all.getInt()).isEqualTo(masked(crc(lengthBytes)));
      byte[] record = take(all, Math.toIntExact(length));
      assertThat(all.getInt()).isEqualTo(masked(crc(record)));
      records.add(record);
    }
    return records;
  }

  /** Returns a message's fields by number: Long, Double, Float or byte[]. */
  private static Object field(byte[] message, int number) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(message);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      Object value =
          switch (WireFormat.getTagWireType(tag)) {
            case WireFormat.WIRETYPE_VARINT -> in.readInt64();
            case WireFormat.WIRETYPE_FIXED64 -> in.readDouble();
            case WireFormat.WIRETYPE_FIXED32 -> in.readFloat();
            default -> in.readByteArray();
          };
      if (WireFormat.getTagFieldNumber(tag) == number) {
        return value;
      }
    }
    throw new AssertionError("no field " + number);
  }

  private static byte[] inner(byte[] message, int number) throws IOException {
    return (byte[]) field(message, number);
  }

  private static String text(byte[] message, int number) throws IOException {
    return new String(inner(message, number), StandardCharsets.UTF_8);
  }

  private static double[] doubles(byte[] message, int number) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(inner(message, number)).order(ByteOrder.LITTLE_ENDIAN);
    double[] values = new double[bytes.remaining() / 8];
    bytes.asDoubleBuffer().get(values);
    return values;
  }

  @Test
  void checkSumOfTheReaderIsCastagnolis() {
    assertThat(crc("123456789".getBytes(StandardCharsets.US_ASCII))).isEqualTo(0xe3069283);
  }

  @Test
  void scalarsComeBack() throws IOException {
    EventWriter writer = EventWriter.open(folder.resolve("runs/a"), CLOCK);
    writer.scalar("loss/train", 0, 0.1);
    writer.scalar("loss/train", 1L << 40, Double.NaN);
    writer.scalar("größe", 3, -2);
    writer.close();
    assertThat(writer.file().getFileName().toString())
        .startsWith("events.out.tfevents.1800000000.");
    List<byte[]> events = records(writer.file());
    assertThat(events).hasSize(4);
    assertThat(field(events.get(0), 1)).isEqualTo(1_800_000_000.25);
    assertThat(text(events.get(0), 3)).isEqualTo("brain.Event:2");
    byte[] first = inner(inner(events.get(1), 5), 1);
    assertThat(text(first, 1)).isEqualTo("loss/train");
    assertThat(field(first, 2)).isEqualTo(0.1f);
    assertThat(field(events.get(1), 2)).isEqualTo(0L);
    assertThat(field(events.get(2), 2)).isEqualTo(1L << 40);
    assertThat(field(inner(inner(events.get(2), 5), 1), 2)).isEqualTo(Float.NaN);
    assertThat(text(inner(inner(events.get(3), 5), 1), 1)).isEqualTo("größe");
  }

  @Test
  void histogramsCountEachNumberBetweenItsLimits() throws IOException {
    SplittableRandom random = new SplittableRandom(4);
    double[] values = new double[2000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 10 == 0 ? 0 : Math.scalb(random.nextDouble(-1, 1), random.nextInt(-45, 70));
    }
    values[0] = 1e-12;
    values[1] = -Double.MAX_VALUE / 4;
    values[2] = 1e300;
    values[3] = Double.MAX_VALUE;
    EventWriter writer = EventWriter.open(folder);
    writer.histogram("weights", 7, Tensor.of(values));
    writer.flush();
    byte[] value = inner(inner(records(writer.file()).get(1), 5), 1);
    writer.close();
    byte[] histogram = inner(value, 5);
    assertThat(text(value, 1)).isEqualTo("weights");
    assertThat(field(histogram, 1)).isEqualTo(-Double.MAX_VALUE / 4);
    assertThat(field(histogram, 2)).isEqualTo(Double.MAX_VALUE);
    assertThat(field(histogram, 3)).isEqualTo(2000.0);
    double[] limits = doubles(histogram, 6);
    double[] counts = doubles(histogram, 7);
    assertThat(counts).hasSameSizeAs(limits);
    double[] expected = new double[limits.length];
    for (double each : values) {
      int bucket = 0;
      while (bucket < limits.length - 1 && each >= limits[bucket]) {
        bucket++;
      }
      expected[bucket]++;
    }
    assertThat(counts).isEqualTo(expected);
    for (int i = 1; i < limits.length; i++) {
      assertThat(limits[i]).isGreaterThan(limits[i - 1]);
    }
  }

  @Test
  void smallHistogramsSayWhereTheyBegin() throws IOException {
    try (EventWriter writer = EventWriter.open(folder)) {
      writer.histogram("ones", 0, Tensor.of(new float[] {1, 1, 1}));
      writer.histogram("none", 0, Tensor.zeros(DType.F32, 0));
      writer.flush();
      List<byte[]> events = records(writer.file());
      byte[] ones = inner(inner(inner(events.get(1), 5), 1), 5);
      assertThat(doubles(ones, 7)).containsExactly(0, 3);
      assertThat(doubles(ones, 6)[0]).isLessThanOrEqualTo(1);
      assertThat(doubles(ones, 6)[1]).isCloseTo(1, within(0.11)).isGreaterThan(1);
      assertThat(field(ones, 4)).isEqualTo(3.0);
      assertThat(field(ones, 5)).isEqualTo(3.0);
      assertThat(field(inner(inner(inner(events.get(2), 5), 1), 5), 3)).isEqualTo(0.0);
    }
  }

  @Test
  void whatIsNotFiniteHasNoHistogram() throws IOException {
    try (EventWriter writer = EventWriter.open(folder)) {
      assertThatThrownBy(
              () -> writer.histogram("g", 0, Tensor.of(new float[] {1, Float.POSITIVE_INFINITY})))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("values: expected finite numbers, got Infinity at 1");
      writer.flush();
      assertThat(records(writer.file())).hasSize(1);
    }
  }

  @Test
  void writersOfOneFolderHaveFilesOfTheirOwn() throws IOException {
    try (EventWriter one = EventWriter.open(folder, CLOCK);
        EventWriter other = EventWriter.open(folder, CLOCK)) {
      assertThat(one.file()).isNotEqualTo(other.file());
    }
  }
}
