package io.github.jbatchnorm.interop.tensorboard;

import com.google.protobuf.CodedOutputStream;
import io.github.jbatchnorm.autograd.Tensor;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;

/**
 * Writes an event file for TensorBoard: scalars and histograms by tag and step, for {@code
 * tensorboard --logdir FOLDER}.
 *
 * <p>A file is a run of records, each with its length and check sums (CRC-32C), so that one that is
 * written as the machine stops is found to be cut short, and those before it stay. Any number of
 * threads may write.
 */
public final class EventWriter implements AutoCloseable {
  private static final AtomicLong FILES = new AtomicLong();
  private static final int MASK = 0xa282ead8;
  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int VALUE = 1;
  private static final int TAG = 1;
  private static final int SIMPLE_VALUE = 2;
  private static final int HISTOGRAM = 5;

  private final Path file;
  private final Clock clock;
  private final OutputStream out;

  private EventWriter(Path file, Clock clock) throws IOException {
    this.file = file;
    this.clock = clock;
    this.out =
        new BufferedOutputStream(
            Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
  }

  /**
   * {@return a writer of a new file in a folder, which is made where it is not there}
   *
   * @param folder of one run, in the folder that TensorBoard is shown
   * @throws IOException if it cannot be written
   */
  public static EventWriter open(Path folder) throws IOException {
    return open(folder, Clock.systemUTC());
  }

  /**
   * {@return as {@link #open(Path)}, with another clock}
   *
   * @param folder of one run
   * @param clock says when each event was
   * @throws IOException if it cannot be written
   */
  public static EventWriter open(Path folder, Clock clock) throws IOException {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(clock, "clock");
    Files.createDirectories(folder);
    String name =
        "events.out.tfevents.%010d.jbatchnorm.%s.%s"
            .formatted(
                clock.instant().getEpochSecond(),
                ProcessHandle.current().pid(),
                FILES.getAndIncrement());
    EventWriter writer = new EventWriter(folder.resolve(name), clock);
    writer.event(0, event -> event.writeString(FILE_VERSION, "brain.Event:2"));
    writer.flush();
    return writer;
  }

  /** {@return the file} */
  public Path file() {
    return file;
  }

  /**
   * Writes a number.
   *
   * @param tag what it is, as in {@code loss/train}
   * @param step when it was, usually the number of the batch or epoch
   * @param value rounded to f32, as TensorBoard has it; may be NaN or infinite
   * @throws IOException if it cannot be written
   */
  public void scalar(String tag, long step, double value) throws IOException {
    Objects.requireNonNull(tag, "tag");
    summary(tag, step, out -> out.writeFloat(SIMPLE_VALUE, (float) value));
  }

  /**
   * Writes how a tensor's elements are distributed.
   *
   * @param tag what they are, as in {@code gradients/conv1.weight}
   * @param step when they were
   * @param values all finite
   * @throws IllegalArgumentException if one is NaN or infinite
   * @throws IOException if it cannot be written
   */
  public void histogram(String tag, long step, Tensor values) throws IOException {
    Objects.requireNonNull(tag, "tag");
    Objects.requireNonNull(values, "values");
    Histogram histogram = new Histogram();
    for (int i = 0; i < values.size(); i++) {
      histogram.add(i, values.storage().get(i));
    }
    summary(tag, step, out -> out.writeByteArray(HISTOGRAM, message(histogram::write)));
  }

  /**
   * Writes what there is to the file, so that TensorBoard sees it.
   *
   * @throws IOException if it cannot be written
   */
  public synchronized void flush() throws IOException {
    out.flush();
  }

  @Override
  public synchronized void close() throws IOException {
    out.close();
  }

  /** Writes the fields of a message. */
  interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  private void summary(String tag, long step, Fields value) throws IOException {
    byte[] tagged =
        message(
            out -> {
              out.writeString(TAG, tag);
              value.write(out);
            });
    byte[] summary = message(out -> out.writeByteArray(VALUE, tagged));
    event(step, out -> out.writeByteArray(SUMMARY, summary));
  }

  private void event(long step, Fields what) throws IOException {
    Instant now = clock.instant();
    double seconds = now.getEpochSecond() + now.getNano() * 1e-9;
    record(
        message(
            event -> {
              event.writeDouble(WALL_TIME, seconds);
              event.writeInt64(STEP, step);
              what.write(event);
            }));
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream coded = CodedOutputStream.newInstance(bytes);
    try {
      fields.write(coded);
      coded.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // to memory, which has no such thing
    }
    return bytes.toByteArray();
  }

  /** Length, its check sum, the bytes, their check sum. */
  private synchronized void record(byte... bytes) throws IOException {
    byte[] length = buffer(Long.BYTES).putLong(bytes.length).array();
    out.write(length);
    out.write(checkSum(length));
    out.write(bytes);
    out.write(checkSum(bytes));
  }

  /** The check sum turned by 15 bits and moved on, so that it is none of bytes that have some. */
  private static byte[] checkSum(byte... bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return buffer(Integer.BYTES)
        .putInt(Integer.rotateRight((int) crc.getValue(), 15) + MASK)
        .array();
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
