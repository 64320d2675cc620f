package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The files beside a model that have bytes of its tensors. They lie in its folder, or deeper: what
 * leads out of it, by its name or by a symbolic link, is refused.
 */
final class ExternalFiles {
  /** What a model says of a tensor; it may have a check sum too, which is not looked at. */
  static final String LOCATION = "location";

  static final String OFFSET = "offset";
  static final String LENGTH = "length";

  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");
  private static final int LEAST_MAPPED = 1 << 16;

  private final Object where;
  private final @Nullable Path folder;

  /**
   * Files beside a model.
   *
   * @param where the model, for messages
   * @param folder where the model lies; null where it is in memory
   */
  ExternalFiles(Object where, @Nullable Path folder) {
    this.where = where;
    this.folder = folder;
  }

  /** Returns the bytes of a tensor, of which the system reads large ones as they are used. */
  ByteBuffer bytes(String tensor, Map<String, String> told, long size) throws IOException {
    String location = told.getOrDefault(LOCATION, "");
    if (folder == null) {
      throw problem(
          tensor, "is in a file of its own, %s: read the model from its file".formatted(location));
    }
    if (size > Integer.MAX_VALUE) {
      throw problem(tensor, "is past 2 GiB");
    }
    Path file = file(folder, tensor, location);
    long offset = number(tensor, OFFSET, told.getOrDefault(OFFSET, "0"));
    long length = number(tensor, LENGTH, told.getOrDefault(LENGTH, Long.toString(size)));
    if (length != size) {
      throw problem(tensor, "expected %s bytes, got a length of %s".formatted(size, length));
    }
    try (FileChannel channel = FileChannel.open(file)) {
      if (offset > channel.size() - size) {
        throw problem(
            tensor,
            "has %s bytes from %s on in %s, which has %s"
                .formatted(size, offset, location, channel.size()));
      }
      return size < LEAST_MAPPED
          ? read(channel, tensor, offset, (int) size)
          : channel.map(FileChannel.MapMode.READ_ONLY, offset, size);
    }
  }

  private FileFormatException problem(String tensor, String problem) {
    return new FileFormatException(where, "tensor %s: %s".formatted(tensor, problem));
  }

  private Path file(Path beside, String tensor, String location) throws IOException {
    Path file;
    try {
      Path relative = Path.of(location);
      boolean leadsOut = relative.isAbsolute() || relative.normalize().startsWith("..");
      if (location.isEmpty() || leadsOut) {
        throw problem(
            tensor, "expected a file in the model's folder, got location '%s'".formatted(location));
      }
      file = beside.resolve(relative);
    } catch (InvalidPathException e) {
      throw problem(tensor, "has a location that is no path: " + e.getReason());
    }
    if (!Files.isRegularFile(file)) {
      throw problem(tensor, "is in %s, which is no file in the model's folder".formatted(location));
    }
    if (!file.toRealPath().startsWith(beside.toRealPath())) {
      throw problem(tensor, "is in %s, a link out of the model's folder".formatted(location));
    }
    return file;
  }

  private long number(String tensor, String name, String text) throws FileFormatException {
    if (!NUMBER.matcher(text).matches()) {
      throw problem(tensor, "has the %s '%s', which is no number".formatted(name, text));
    }
    return Long.parseLong(text);
  }

  private ByteBuffer read(FileChannel channel, String tensor, long offset, int size)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(size);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, offset + bytes.position()) < 0) {
        throw problem(tensor, "is in a file that became shorter while it was read");
      }
    }
    return bytes.flip();
  }
}
