package io.github.jbatchnorm.nn.io;

import io.github.jbatchnorm.nn.io.SafetensorsHeader.Claim;
import io.github.jbatchnorm.platform.AtomicFile;
import io.github.jbatchnorm.platform.Reading;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The contents of a safetensors file (Hugging Face): the length of a header as 8 little-endian
 * bytes, the header in JSON, the tensors' bytes without gaps. A file may have any size, a tensor 2
 * GiB.
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
   * Reads a file of any size. Each of its tensors is of at most 2 GiB; all are in memory together,
   * which {@link #map} and {@link #read(Path, String)} do without.
   *
   * @param file the file
   * @return what the file has
   * @throws FileFormatException if it is broken, or holds tensors of more than 2 GiB or of types
   *     that {@link Stored.Type} has not got
   */
  public static Safetensors read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    return opened(
        file,
        contents -> {
          Map<String, Stored> tensors = new LinkedHashMap<>();
          for (Claim claim : contents.header().claims()) {
            tensors.put(claim.name(), contents.read(claim));
          }
          return new Safetensors(tensors, contents.header().metadata());
        });
  }

  /**
   * Reads one tensor of a file, and of the rest no more than the header.
   *
   * @param file the file
   * @param name of the tensor
   * @return the tensor
   * @throws FileFormatException as {@link #read(Path)}
   * @throws IllegalArgumentException if there is no tensor of that name
   */
  public static Stored read(Path file, String name) throws IOException {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(name, "name");
    return opened(
        file,
        contents -> {
          for (Claim claim : contents.header().claims()) {
            if (claim.name().equals(name)) {
              return contents.read(claim);
            }
          }
          throw new IllegalArgumentException(
              "name: %s has no tensor %s".formatted(file, FileText.printable(name)));
        });
  }

  /**
   * {@return the names of a file's tensors, in its order, by its header alone}
   *
   * @param file the file
   * @throws FileFormatException as {@link #read(Path)}
   */
  public static List<String> names(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    return opened(file, contents -> contents.header().claims().stream().map(Claim::name).toList());
  }

  /**
   * Maps a file of any size: each tensor's bytes, at most 2 GiB, are read by the system as they are
   * used, and take none of Java's heap. The file stays mapped until nothing refers to its tensors
   * any more, and must not become shorter until then: the system would end the process.
   *
   * @param file the file
   * @return what the file has
   * @throws FileFormatException as {@link #read(Path)}
   */
  public static Safetensors map(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    return opened(file, SafetensorsContents::map);
  }

  private static <T> T opened(Path file, SafetensorsContents.Reader<T> reader) throws IOException {
    if (Files.isDirectory(file)) {
      throw new FileFormatException(file, "is a folder");
    }
    return Reading.of(file, () -> SafetensorsContents.open(file, reader));
  }

  /**
   * Writes a file. It replaces an older one at once and as a whole, or not at all where something
   * fails.
   *
   * @param file the file
   * @throws IllegalArgumentException if {@link #read} could not read it: a name is null, {@code
   *     __metadata__}, past 50,000 bytes in UTF-8 or has half of a surrogate pair; metadata are
   *     null, have such a half or are past 20,000,000 characters; or the header is past 100,000,000
   *     bytes
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
