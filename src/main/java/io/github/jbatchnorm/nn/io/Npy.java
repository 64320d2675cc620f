package io.github.jbatchnorm.nn.io;

import io.github.jbatchnorm.platform.AtomicFile;
import io.github.jbatchnorm.platform.Reading;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * NumPy's files: one array in a .npy, several by name in a .npz. Elements are f2 to f8, i1 to i8,
 * u1 to u8 and b1, of either order of bytes; they come little-endian, of the type that they have,
 * and arrays in Fortran's order come as C's. An array takes at most 2 GiB, and a header 10,000
 * bytes.
 */
public final class Npy {
  private static final String SUFFIX = ".npy";

  /** A little less than a zip archive's limit, for the suffix. */
  private static final int MOST_NAME = 65_000;

  private Npy() {}

  /**
   * Reads a .npy file.
   *
   * @param file the file
   * @return the array
   * @throws FileFormatException if it is broken, longer or shorter than it says, or of another type
   */
  public static Stored read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    if (Files.isDirectory(file)) {
      throw new FileFormatException(file.toString(), "is a folder");
    }
    return Reading.of(
        file,
        () -> {
          try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            return read(file.toString(), in, Files.size(file));
          }
        });
  }

  /**
   * Reads a .npz file: each array under its name, in the file's order. All of them are in memory
   * together; {@link #read(Path, String)} reads one.
   *
   * @param file the file
   * @return the arrays by name
   * @throws FileFormatException if it is no zip archive, one of its arrays is not as {@link #read}
   *     needs, or its check sum is another
   */
  public static Map<String, Stored> readAll(Path file) throws IOException {
    return inArchive(
        file,
        zip -> {
          Map<String, Stored> arrays = new LinkedHashMap<>();
          Enumeration<? extends ZipEntry> entries = zip.entries();
          while (entries.hasMoreElements()) {
            ZipEntry entry = entries.nextElement();
            if (arrays.put(arrayName(file, entry), read(file, zip, entry)) != null) {
              throw new FileFormatException(
                  file.toString(), "holds %s twice".formatted(entry.getName()));
            }
          }
          return arrays;
        });
  }

  /**
   * Reads one array of a .npz file, and no other.
   *
   * @param file the file
   * @param name the array's name, without ".npy"
   * @return the array
   * @throws FileFormatException if there is none of this name, or as {@link #readAll}
   */
  public static Stored read(Path file, String name) throws IOException {
    Objects.requireNonNull(name, "name");
    return inArchive(
        file,
        zip -> {
          ZipEntry entry = zip.getEntry(name + SUFFIX);
          if (entry == null) {
            throw new FileFormatException(file.toString(), "holds no %s".formatted(name + SUFFIX));
          }
          return read(file, zip, entry);
        });
  }

  /**
   * {@return the names of a .npz file's arrays, in its order}
   *
   * @param file the file
   * @throws FileFormatException if it is no zip archive, or holds something else than arrays
   */
  public static List<String> names(Path file) throws IOException {
    return inArchive(
        file,
        zip -> {
          List<String> names = new ArrayList<>();
          for (ZipEntry entry : Collections.list(zip.entries())) {
            names.add(arrayName(file, entry));
          }
          return List.copyOf(names);
        });
  }

  private static String arrayName(Path file, ZipEntry entry) throws FileFormatException {
    String name = entry.getName();
    if (!name.endsWith(SUFFIX)) {
      throw new FileFormatException(file.toString(), "holds %s, which is no array".formatted(name));
    }
    return name.substring(0, name.length() - SUFFIX.length());
  }

  /** Reads from an open archive. */
  @FunctionalInterface
  private interface ArchiveReader<T> {
    T read(ZipFile zip) throws IOException;
  }

  private static <T> T inArchive(Path file, ArchiveReader<T> reader) throws IOException {
    Objects.requireNonNull(file, "file");
    return Reading.of(
        file,
        () -> {
          try (ZipFile zip = new ZipFile(file.toFile())) {
            return reader.read(zip);
          } catch (ZipException e) {
            throw new FileFormatException(file.toString(), "is no zip archive: " + e.getMessage());
          } catch (EOFException e) {
            throw new FileFormatException(
                file.toString(), "ends within an array: " + e.getMessage());
          }
        });
  }

  private static Stored read(Path file, ZipFile zip, ZipEntry entry) throws IOException {
    String where = file + " " + FileText.printable(entry.getName());
    try (CheckedInputStream in = new CheckedInputStream(zip.getInputStream(entry), new CRC32())) {
      Stored array = read(where, in, capacity(entry));
      if (in.getChecksum().getValue() != entry.getCrc()) {
        throw new FileFormatException(where, "has another check sum than the archive says");
      }
      return array;
    }
  }

  /** Returns the most bytes that an entry can hold, whatever it says. */
  private static long capacity(ZipEntry entry) {
    long compressed = entry.getCompressedSize();
    return entry.getMethod() == ZipEntry.STORED
        ? compressed
        : Reading.mostInflated(Math.max(0, compressed));
  }

  /** Reads an array of which there are at most so many bytes, so that no claim costs memory. */
  private static Stored read(String where, InputStream in, long capacity) throws IOException {
    NpyHeader header = NpyHeader.read(where, in);
    int length = header.bytes();
    byte[] data = new byte[(int) Math.min(length, capacity)];
    int got = in.readNBytes(data, 0, data.length);
    if (got < length) {
      throw new FileFormatException(
          where, "ends after %s of %s bytes of elements".formatted(got, length));
    }
    if (in.read() >= 0) {
      throw new FileFormatException(
          where, "goes on after its %s bytes of elements".formatted(length));
    }
    header.type().toLittleEndian(data);
    byte[] ordered = header.fortran() ? inCOrder(data, header) : data;
    return new Stored(header.type().type(), header.axes(), ByteBuffer.wrap(ordered));
  }

  /** Moves elements from Fortran's order, the first axis fastest, to C's, the last fastest. */
  private static byte[] inCOrder(byte[] data, NpyHeader header) {
    int[] shape = header.axes();
    int width = header.type().type().bytes();
    byte[] result = new byte[data.length];
    int[] index = new int[shape.length];
    for (int to = 0; to < data.length; to += width) {
      long from = 0;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        from = from * shape[axis] + index[axis];
      }
      System.arraycopy(data, (int) from * width, result, to, width);
      for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
        index[axis] = 0;
      }
    }
    return result;
  }

  /**
   * Writes a .npy file, which replaces an older one at once or not at all.
   *
   * @param file the file
   * @param array what to write
   * @throws IllegalArgumentException if the elements are bf16, which NumPy has not got
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, Stored array) throws IOException {
    byte[] header = NpyHeader.text(array);
    AtomicFile.write(
        file,
        channel -> {
          AtomicFile.writeAll(channel, ByteBuffer.wrap(header));
          AtomicFile.writeAll(channel, array.bytes());
        });
  }

  /**
   * Writes a .npz file, uncompressed, which replaces an older one at once or not at all.
   *
   * @param file the file
   * @param arrays arrays by name, without ".npy"
   * @throws IllegalArgumentException as {@link #write}, or if a name is null, has half of a
   *     surrogate pair or is past 65,000 bytes of UTF-8
   * @throws IOException if the file cannot be written
   */
  public static void writeAll(Path file, Map<String, Stored> arrays) throws IOException {
    Map<ZipEntry, ByteBuffer[]> entries = new LinkedHashMap<>();
    for (Map.Entry<String, Stored> array : arrays.entrySet()) {
      FileText.checkName("arrays", array.getKey(), MOST_NAME);
      ByteBuffer[] parts = {
        ByteBuffer.wrap(NpyHeader.text(array.getValue())), array.getValue().bytes()
      };
      entries.put(stored(array.getKey() + SUFFIX, parts), parts);
    }
    AtomicFile.write(
        file,
        channel -> {
          // Not closed: that would close the channel before it is forced to the disk.
          ZipOutputStream zip = new ZipOutputStream(Channels.newOutputStream(channel));
          for (Map.Entry<ZipEntry, ByteBuffer[]> entry : entries.entrySet()) {
            zip.putNextEntry(entry.getKey());
            for (ByteBuffer part : entry.getValue()) {
              copy(part.duplicate(), zip);
            }
            zip.closeEntry();
          }
          zip.finish();
          zip.flush();
        });
  }

  private static void copy(ByteBuffer from, OutputStream to) throws IOException {
    byte[] some = new byte[Math.min(from.remaining(), 1 << 16)];
    while (from.hasRemaining()) {
      int count = Math.min(from.remaining(), some.length);
      from.get(some, 0, count);
      to.write(some, 0, count);
    }
  }

  private static ZipEntry stored(String name, ByteBuffer... parts) {
    CRC32 crc = new CRC32();
    long size = 0;
    for (ByteBuffer part : parts) {
      size += part.remaining();
      crc.update(part.duplicate());
    }
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(size);
    entry.setCrc(crc.getValue());
    entry.setTime(0); // the same file for the same arrays
    return entry;
  }
}
