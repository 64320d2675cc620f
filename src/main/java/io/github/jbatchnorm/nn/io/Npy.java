package io.github.jbatchnorm.nn.io;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * NumPy's files: one array in a .npy, several by name in a .npz. Elements are f2, f4, f8 and i8,
 * little-endian; arrays in Fortran's order come as C's. An array takes at most 2 GiB.
 */
public final class Npy {
  private static final String SUFFIX = ".npy";

  private Npy() {}

  /**
   * Reads a .npy file.
   *
   * @throws NpyException if it is broken, longer or shorter than it says, or of another type
   */
  public static Stored read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      return read(file.toString(), in);
    }
  }

  /**
   * Reads a .npz file: each array under its name, in the file's order.
   *
   * @throws NpyException if it is no zip archive, or one of its arrays is not as {@link #read}
   *     needs
   */
  public static Map<String, Stored> readAll(Path file) throws IOException {
    Map<String, Stored> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        String name = entry.getName();
        if (!name.endsWith(SUFFIX)) {
          throw new NpyException(file.toString(), "holds %s, which is no array".formatted(name));
        }
        String array = name.substring(0, name.length() - SUFFIX.length());
        try (InputStream in = new BufferedInputStream(zip.getInputStream(entry))) {
          if (arrays.put(array, read(file + " " + name, in)) != null) {
            throw new NpyException(file.toString(), "holds %s twice".formatted(name));
          }
        }
      }
    } catch (ZipException e) {
      throw new NpyException(file.toString(), "is no zip archive: " + e.getMessage());
    }
    return arrays;
  }

  private static Stored read(String where, InputStream in) throws IOException {
    NpyHeader header = NpyHeader.read(where, in);
    int length = header.bytes();
    byte[] data = in.readNBytes(length);
    if (data.length < length) {
      throw new NpyException(
          where, "ends after %d of %d bytes of elements".formatted(data.length, length));
    }
    if (in.read() >= 0) {
      throw new NpyException(where, "goes on after its %d bytes of elements".formatted(length));
    }
    byte[] ordered = header.fortran() ? inCOrder(data, header) : data;
    return new Stored(header.type(), axes(header), ByteBuffer.wrap(ordered));
  }

  private static int[] axes(NpyHeader header) {
    return header.shape().stream().mapToInt(Integer::intValue).toArray();
  }

  /** Moves elements from Fortran's order, the first axis fastest, to C's, the last fastest. */
  private static byte[] inCOrder(byte[] data, NpyHeader header) {
    int[] shape = axes(header);
    int width = header.type().bytes();
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
   * @throws IllegalArgumentException if the elements are bf16, which NumPy has not got
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
   * @param arrays arrays by name, without ".npy"
   * @throws IllegalArgumentException as {@link #write}
   */
  public static void writeAll(Path file, Map<String, Stored> arrays) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (Map.Entry<String, Stored> array : arrays.entrySet()) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.writeBytes(NpyHeader.text(array.getValue()));
      byte[] data = new byte[array.getValue().bytes().remaining()];
      array.getValue().bytes().order(ByteOrder.LITTLE_ENDIAN).get(data);
      bytes.writeBytes(data);
      entries.put(array.getKey() + SUFFIX, bytes.toByteArray());
    }
    AtomicFile.write(
        file,
        channel -> {
          // Not closed: that would close the channel before it is forced to the disk.
          ZipOutputStream zip = new ZipOutputStream(Channels.newOutputStream(channel));
          for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
            zip.putNextEntry(stored(entry.getKey(), entry.getValue()));
            zip.write(entry.getValue());
            zip.closeEntry();
          }
          zip.finish();
          zip.flush();
        });
  }

  private static ZipEntry stored(String name, byte... contents) {
    CRC32 crc = new CRC32();
    crc.update(contents);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(contents.length);
    entry.setCrc(crc.getValue());
    entry.setTime(0); // the same file for the same arrays
    return entry;
  }
}
