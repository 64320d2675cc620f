package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The zip archive of a file: a folder with the pickle, and a record of bytes for each storage. */
final class ZipArchive implements Archive {
  private static final String PICKLE = "data.pkl";
  private static final long MOST_PICKLE = 1L << 28;

  private final Path file;
  private final ZipFile zip;
  private final String folder;
  private final Map<String, ByteBuffer> storages = new HashMap<>();

  ZipArchive(Path file, ZipFile zip) throws IOException {
    this.file = file;
    this.zip = zip;
    this.folder = folder();
    if (zip.getEntry(folder + "constants.pkl") != null) {
      throw problem("is a TorchScript archive: save the model's state_dict() instead");
    }
    ZipEntry order = zip.getEntry(folder + "byteorder");
    if (order != null && !text(order).equals("little")) {
      throw problem("has big-endian numbers, which are not read");
    }
  }

  private String folder() throws FileFormatException {
    Enumeration<? extends ZipEntry> entries = zip.entries();
    while (entries.hasMoreElements()) {
      String name = entries.nextElement().getName();
      if (name.endsWith("/" + PICKLE) && name.indexOf('/') == name.lastIndexOf('/')) {
        return name.substring(0, name.length() - PICKLE.length());
      }
    }
    throw problem("is no file of PyTorch: it has no data.pkl in a folder");
  }

  @Override
  public FileFormatException problem(String problem) {
    return new FileFormatException(file, problem);
  }

  private String text(ZipEntry entry) throws IOException {
    return StandardCharsets.UTF_8.decode(bytes(entry, 100)).toString();
  }

  @Override
  public Object root() throws IOException {
    return new Unpickler(this, bytes(zip.getEntry(folder + PICKLE), MOST_PICKLE)).read();
  }

  @Override
  public ByteBuffer storage(String key, long size) throws IOException {
    ByteBuffer known = storages.get(key);
    if (known == null) {
      ZipEntry entry = zip.getEntry(folder + "data/" + key);
      if (entry == null) {
        throw problem("has no storage " + key);
      }
      known = bytes(entry, Integer.MAX_VALUE - Long.BYTES);
      storages.put(key, known);
    }
    if (known.remaining() != size) {
      throw problem(
          "storage %s: expected %s bytes, got %s".formatted(key, size, known.remaining()));
    }
    return known.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer bytes(ZipEntry entry, long most) throws IOException {
    if (entry.getMethod() != ZipEntry.STORED) {
      throw problem("%s: is compressed, which PyTorch's files are not".formatted(entry.getName()));
    }
    if (entry.getSize() < 0 || entry.getSize() > most) {
      throw problem(
          "%s: expected at most %s bytes, got %s"
              .formatted(entry.getName(), most, entry.getSize()));
    }
    try (CheckedInputStream in = new CheckedInputStream(zip.getInputStream(entry), new CRC32())) {
      byte[] bytes = in.readNBytes((int) entry.getSize());
      if (bytes.length != entry.getSize()) {
        throw problem("%s: is cut short".formatted(entry.getName()));
      }
      if (in.getChecksum().getValue() != entry.getCrc()) {
        throw problem(
            "%s: has another check sum, or was saved without (set_crc32_options)"
                .formatted(entry.getName()));
      }
      return ByteBuffer.wrap(bytes);
    }
  }
}
