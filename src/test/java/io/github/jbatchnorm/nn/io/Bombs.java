package io.github.jbatchnorm.nn.io;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Files, small on the disk, whose contents are valid and take more memory than -Xmx128m, or say
 * that they do: each is refused by an IOException that names it, and a small file is read
 * afterwards. The argument is a folder.
 */
final class Bombs {
  private static final int LARGE = 300_000_000;

  private final Path folder;

  private Bombs(Path folder) {
    this.folder = folder;
  }

  public static void main(String[] args) throws IOException {
    Bombs bombs = new Bombs(Path.of(args[0]));
    bombs.refused(HostileFormat.NPZ, bombs.archive(1, LARGE));
    bombs.refused(HostileFormat.NPZ, bombs.archive(4000, LARGE / 4000));
    bombs.refused(HostileFormat.IDX_GZ, bombs.zippedImages());
    bombs.refused(HostileFormat.NPY, bombs.sparse("large.npy", npyHeader(LARGE), LARGE));
    bombs.refused(HostileFormat.NPY, bombs.sparse("lie.npy", npyHeader(LARGE), 8));
    bombs.refused(HostileFormat.IDX, bombs.sparse("large-idx", idxHeader(), LARGE));
    bombs.refused(HostileFormat.IDX, bombs.sparse("lie-idx", idxHeader(), 8));
    bombs.refused(HostileFormat.CIFAR, bombs.sparse("large.bin", new byte[0], 3073L * 100_000));
    bombs.refused(HostileFormat.CIFAR, bombs.sparse("huge.bin", new byte[0], 3073L << 20));
    bombs.refused(HostileFormat.SAFETENSORS, bombs.metadata());
    bombs.refused(
        HostileFormat.SAFETENSORS, bombs.sparse("large.safetensors", length(100_000_000), LARGE));
    bombs.refused(HostileFormat.SAFETENSORS, bombs.sparse("zeros.safetensors", length(8), LARGE));
  }

  private void refused(HostileFormat format, Path file) throws IOException {
    try {
      format.read(file, folder);
      throw new IllegalStateException(file + ": was read");
    } catch (IOException e) {
      String problem = HostileFiles.problem(e, file);
      if (problem != null) {
        throw new IllegalStateException(problem, e);
      }
      System.out.println("refused: " + e.getMessage());
    }
    Files.delete(file);
    Path small = folder.resolve("small.npy");
    Npy.write(small, Stored.count(7));
    Npy.read(small);
  }

  private Path archive(int arrays, int bytes) throws IOException {
    Path file = folder.resolve("bomb.npz");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      out.setLevel(Deflater.BEST_SPEED);
      for (int i = 0; i < arrays; i++) {
        out.putNextEntry(new ZipEntry(i + ".npy"));
        out.write(npyHeader(bytes));
        zeros(out, bytes);
        out.closeEntry();
      }
    }
    return file;
  }

  private Path zippedImages() throws IOException {
    Path file = folder.resolve("bomb.gz");
    try (OutputStream out =
        new BufferedOutputStream(new GZIPOutputStream(Files.newOutputStream(file)))) {
      out.write(idxHeader());
      zeros(out, LARGE);
    }
    return file;
  }

  private static void zeros(OutputStream out, int bytes) throws IOException {
    byte[] some = new byte[1 << 16];
    for (int left = bytes; left > 0; left -= some.length) {
      out.write(some, 0, Math.min(left, some.length));
    }
  }

  /** A file that takes no place on the disk but for its beginning. */
  private Path sparse(String name, byte[] header, long rest) throws IOException {
    Path file = folder.resolve(name);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.write(header);
      out.setLength(header.length + rest);
    }
    return file;
  }

  /** Texts of a megabyte each. */
  private Path metadata() throws IOException {
    int texts = 80;
    byte[] text = ("\"00\":\"" + "x".repeat(1 << 20) + "\"").getBytes(StandardCharsets.US_ASCII);
    byte[] begin = "{\"__metadata__\":{".getBytes(StandardCharsets.US_ASCII);
    Path file = folder.resolve("metadata.safetensors");
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(length(begin.length + (long) texts * (text.length + 1) - 1 + 2));
      out.write(begin);
      for (int i = 0; i < texts; i++) {
        text[1] = (byte) ('0' + i / 10);
        text[2] = (byte) ('0' + i % 10);
        out.write(text);
        out.write(i < texts - 1 ? ",".getBytes(StandardCharsets.US_ASCII) : new byte[0]);
      }
      out.write("}}".getBytes(StandardCharsets.US_ASCII));
    }
    return file;
  }

  private static byte[] length(long length) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
  }

  private static byte[] npyHeader(int bytes) {
    String text = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }".formatted(bytes);
    return ByteBuffer.allocate(10 + text.length())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})
        .putShort((short) text.length())
        .put(text.getBytes(StandardCharsets.US_ASCII))
        .array();
  }

  private static byte[] idxHeader() {
    return ByteBuffer.allocate(16)
        .putInt(0x0803)
        .putInt(LARGE / 1_000_000)
        .putInt(1000)
        .putInt(1000)
        .array();
  }
}
