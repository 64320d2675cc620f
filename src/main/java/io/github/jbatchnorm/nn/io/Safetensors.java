package io.github.jbatchnorm.nn.io;

import io.github.jbatchnorm.platform.AtomicFile;
import io.github.jbatchnorm.platform.Reading;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The contents of a safetensors file (Hugging Face): the length of a header as 8 little-endian
 * bytes, the header in JSON, the tensors' bytes without gaps.
 *
 * @param tensors the tensors by name, in the file's order
 * @param metadata texts by name
 */
public record Safetensors(Map<String, Stored> tensors, Map<String, String> metadata) {
  /**
   * Copies the maps, whose order stays. What cannot be written is refused by {@link #write}.
   *
   * @param tensors the tensors by name, in the file's order
   * @param metadata texts by name
   */
  public Safetensors {
    tensors =
        Collections.unmodifiableMap(
            new LinkedHashMap<>(Objects.requireNonNull(tensors, "tensors")));
    metadata =
        Collections.unmodifiableMap(
            new LinkedHashMap<>(Objects.requireNonNull(metadata, "metadata")));
  }

  /**
   * Reads a file of at most 2 GiB.
   *
   * @param file the file
   * @return what the file has
   * @throws FileFormatException if it is broken, or holds tensors of types that {@link Stored.Type}
   *     has not got
   */
  public static Safetensors read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    if (Files.isDirectory(file)) {
      throw new FileFormatException(file, "is a folder");
    }
    return Reading.of(file, () -> readNow(file));
  }

  private static Safetensors readNow(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      if (size < Long.BYTES || size > Integer.MAX_VALUE - Long.BYTES) {
        throw new FileFormatException(
            file, "is %s bytes long: expected 8 bytes to 2 GiB".formatted(size));
      }
      ByteBuffer all = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
      while (all.hasRemaining()) {
        if (channel.read(all) < 0) {
          throw new FileFormatException(file, "became shorter while it was read");
        }
      }
      return parse(file, all.flip());
    }
  }

  private static Safetensors parse(Path file, ByteBuffer all) throws IOException {
    long length = all.getLong();
    if (length < 2 || length > Math.min(all.remaining(), SafetensorsHeader.MOST)) {
      throw new FileFormatException(
          file,
          "says that its header is %s bytes long, of %s that follow and at most %s"
              .formatted(Long.toUnsignedString(length), all.remaining(), SafetensorsHeader.MOST));
    }
    ByteBuffer header = all.slice(Long.BYTES, (int) length);
    int start = Long.BYTES + (int) length;
    ByteBuffer data = all.slice(start, all.limit() - start);
    return new SafetensorsHeader(file, data).parse(header);
  }

  /**
   * Writes a file. It replaces an older one at once and as a whole, or not at all where something
   * fails.
   *
   * @param file the file
   * @throws IllegalArgumentException if {@link #read} could not read it: a name is null, {@code
   *     __metadata__}, past 50,000 bytes in UTF-8 or has half of a surrogate pair; metadata are
   *     null, have such a half or are past 20,000,000 characters; the header is past 100,000,000
   *     bytes, or all of it past 2 GiB
   * @throws IOException if it cannot be written
   */
  public void write(Path file) throws IOException {
    byte[] header = SafetensorsHeader.text(this);
    AtomicFile.write(
        file,
        channel -> {
          ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          AtomicFile.writeAll(channel, length.putLong(header.length).flip());
          AtomicFile.writeAll(channel, ByteBuffer.wrap(header));
          for (Stored tensor : tensors.values()) {
            AtomicFile.writeAll(channel, tensor.bytes());
          }
        });
  }
}
