package io.github.jbatchnorm.nn.io;

import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.data.IdxFiles;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** A format of files that is read: valid examples, changed ones, and the reader. */
enum HostileFormat {
  SAFETENSORS(".safetensors") {
    @Override
    byte[] example(SplittableRandom random, Path folder) throws IOException {
      Path file = folder.resolve("example");
      Map<String, String> metadata = Map.of("format", RandomEntries.text(random, 40));
      new Safetensors(entries(random), metadata).write(file);
      return Files.readAllBytes(file);
    }

    /** Mostly the header alone, whose length then is right. */
    @Override
    byte[] changed(byte[] file, SplittableRandom random) throws IOException {
      if (random.nextInt(4) == 0) {
        return super.changed(file, random);
      }
      int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
      byte[] header = new Mutations(random).change(part(file, 8, 8 + length));
      return ByteBuffer.allocate(8 + header.length + file.length - 8 - length)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putLong(header.length)
          .put(header)
          .put(file, 8 + length, file.length - 8 - length)
          .array();
    }

    @Override
    void read(Path file, Path folder) throws IOException {
      Safetensors.read(file);
    }
  },

  NPY(".npy") {
    @Override
    byte[] example(SplittableRandom random, Path folder) throws IOException {
      Path file = folder.resolve("example");
      Npy.write(file, array(random));
      return Files.readAllBytes(file);
    }

    @Override
    byte[] changed(byte[] file, SplittableRandom random) throws IOException {
      return random.nextInt(4) == 0 ? super.changed(file, random) : changedArray(file, random);
    }

    @Override
    void read(Path file, Path folder) throws IOException {
      Npy.read(file);
    }
  },

  NPZ(".npz") {
    @Override
    byte[] example(SplittableRandom random, Path folder) throws IOException {
      Path file = folder.resolve("example");
      Map<String, Stored> arrays = new LinkedHashMap<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        arrays.put(RandomEntries.text(random, 20) + i, array(random));
      }
      Npy.writeAll(file, arrays);
      return Files.readAllBytes(file);
    }

    /** The archive's bytes, or its arrays and names in a new, perhaps compressed one. */
    @Override
    byte[] changed(byte[] file, SplittableRandom random) throws IOException {
      if (random.nextInt(3) == 0) {
        return super.changed(file, random);
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(file));
          ZipOutputStream out = new ZipOutputStream(bytes)) {
        for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
          byte[] array = changedArray(in.readAllBytes(), random);
          ZipEntry copy = new ZipEntry(name(random, entry.getName(), bytes.size()));
          if (random.nextBoolean()) {
            copy.setMethod(ZipEntry.STORED);
            copy.setSize(array.length);
            CRC32 crc = new CRC32();
            crc.update(array);
            copy.setCrc(crc.getValue());
          }
          out.putNextEntry(copy);
          out.write(array);
          out.closeEntry();
        }
      }
      return random.nextInt(3) == 0
          ? super.changed(bytes.toByteArray(), random)
          : bytes.toByteArray();
    }

    private static String name(SplittableRandom random, String name, int different) {
      return switch (random.nextInt(8)) {
        case 0 -> "../../" + different + ".npy";
        case 1 -> "/etc/passwd" + different;
        case 2 -> different + ".npy/";
        case 3 -> "C:\\" + different + "\n\u202e.npy";
        default -> name;
      };
    }

    @Override
    void read(Path file, Path folder) throws IOException {
      Npy.readAll(file);
    }
  },

  IDX("") {
    @Override
    byte[] example(SplittableRandom random, Path folder) {
      return idx(random);
    }

    @Override
    void read(Path file, Path folder) throws IOException {
      readIdx(file, folder);
    }
  },

  IDX_GZ(".gz") {
    @Override
    byte[] example(SplittableRandom random, Path folder) {
      return idx(random);
    }

    @Override
    byte[] changed(byte[] file, SplittableRandom random) throws IOException {
      byte[] inner = random.nextBoolean() ? super.changed(file, random) : file;
      byte[] zipped = zipped(inner);
      return random.nextBoolean() ? zipped : super.changed(zipped, random);
    }

    @Override
    void read(Path file, Path folder) throws IOException {
      readIdx(file, folder);
    }
  },

  CIFAR(".bin") {
    @Override
    byte[] example(SplittableRandom random, Path folder) throws IOException {
      Path file = folder.resolve("example");
      byte[] pixels = new byte[ColorImages.BYTES * (1 + random.nextInt(3))];
      CifarFiles.write(new ColorImages(pixels, new byte[pixels.length / ColorImages.BYTES]), file);
      return Files.readAllBytes(file);
    }

    @Override
    void read(Path file, Path folder) throws IOException {
      CifarFiles.read(List.of(file));
    }
  };

  final String suffix;

  HostileFormat(String suffix) {
    this.suffix = suffix;
  }

  abstract byte[] example(SplittableRandom random, Path folder) throws IOException;

  abstract void read(Path file, Path folder) throws IOException;

  byte[] changed(byte[] file, SplittableRandom random) throws IOException {
    return new Mutations(random).change(file);
  }

  static byte[] zipped(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    }
    return out.toByteArray();
  }

  private static byte[] part(byte[] bytes, int from, int to) {
    return Arrays.copyOfRange(bytes, from, to);
  }

  private static Map<String, Stored> entries(SplittableRandom random) {
    Map<String, Stored> entries = new LinkedHashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      entries.put(RandomEntries.text(random, 20) + i, RandomEntries.entry(random));
    }
    return entries;
  }

  private static Stored array(SplittableRandom random) {
    Stored entry = RandomEntries.entry(random);
    while (entry.type() == Stored.Type.BF16) {
      entry = RandomEntries.entry(random);
    }
    return entry;
  }

  /** A .npy's header with the right length, or anything of it. */
  private static byte[] changedArray(byte[] file, SplittableRandom random) {
    if (file.length < 10 || random.nextInt(4) == 0) {
      return new Mutations(random).change(file);
    }
    int end = Math.min(file.length, 10 + ((file[8] & 0xff) | (file[9] & 0xff) << 8));
    byte[] header = new Mutations(random).change(part(file, 10, end));
    int length = Math.min(header.length, 0xffff);
    return ByteBuffer.allocate(10 + length + file.length - end)
        .put(file, 0, 8)
        .put((byte) length)
        .put((byte) (length >> 8))
        .put(header, 0, length)
        .put(file, end, file.length - end)
        .array();
  }

  /** Images of 2 x 3 pixels, or labels. */
  private static byte[] idx(SplittableRandom random) {
    int count = 1 + random.nextInt(5);
    if (random.nextBoolean()) {
      return ByteBuffer.allocate(8 + count).putInt(0x0801).putInt(count).array();
    }
    return ByteBuffer.allocate(16 + 6 * count)
        .putInt(0x0803)
        .putInt(count)
        .putInt(2)
        .putInt(3)
        .array();
  }

  /** Reads a file as images, and as the labels of an image. */
  private static void readIdx(Path file, Path folder) throws IOException {
    Path image = folder.resolve("image");
    Path label = folder.resolve("label");
    if (!Files.exists(label)) {
      Files.write(
          image, ByteBuffer.allocate(22).putInt(0x0803).putInt(1).putInt(2).putInt(3).array());
      Files.write(label, ByteBuffer.allocate(9).putInt(0x0801).putInt(1).array());
    }
    byte[] begin = new byte[8];
    try (var in = Files.newInputStream(file)) {
      in.readNBytes(begin, 0, begin.length);
    }
    if (begin[3] == 1 || begin[7] == 1) {
      IdxFiles.read(image, file);
    } else {
      IdxFiles.read(file, label);
    }
  }
}
