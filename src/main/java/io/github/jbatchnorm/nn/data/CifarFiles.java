package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.platform.Reading;
import io.github.jbatchnorm.platform.Sizes;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * CIFAR-10's binary files: records of one byte for the class, 0 to 9, and 3072 bytes for the image,
 * its red, green and blue planes row by row.
 */
public final class CifarFiles {
  private static final int RECORD = 1 + ColorImages.BYTES;
  private static final int CLASSES = 10;
  private static final int TRAINING_FILES = 5;

  private CifarFiles() {}

  /**
   * Returns the images of a folder's data_batch_1.bin to data_batch_5.bin, those that are there.
   */
  public static ColorImages readTraining(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    for (int i = 1; i <= TRAINING_FILES; i++) {
      Path file = folder.resolve("data_batch_%s.bin".formatted(i));
      if (Files.isRegularFile(file)) {
        files.add(file);
      }
    }
    if (files.isEmpty()) {
      if (!Files.isDirectory(folder)) {
        throw new NotDirectoryException(folder.toString());
      }
      throw new NoSuchFileException(folder.resolve("data_batch_1.bin").toString());
    }
    return read(files);
  }

  /** Returns the images of a folder's test_batch.bin. */
  public static ColorImages readTest(Path folder) throws IOException {
    return read(List.of(folder.resolve("test_batch.bin")));
  }

  /**
   * Returns the images of some files, one after the other.
   *
   * @throws FileFormatException if a file has no whole records, or a class above 9
   */
  public static ColorImages read(List<Path> files) throws IOException {
    int[] counts = new int[files.size()];
    int count = 0;
    for (int i = 0; i < counts.length; i++) {
      Path file = files.get(i);
      int before = count;
      counts[i] = Reading.of(file, () -> count(file, before));
      count += counts[i];
    }
    int all = count;
    return Reading.inMemory(files, () -> read(files, counts, all));
  }

  private static ColorImages read(List<Path> files, int[] counts, int all) throws IOException {
    byte[] pixels = new byte[all * ColorImages.BYTES];
    byte[] labels = new byte[all];
    int first = 0;
    for (int i = 0; i < counts.length; i++) {
      Path file = files.get(i);
      int at = first;
      int end = first + counts[i];
      Reading.of(file, () -> readRecords(file, at, end, pixels, labels));
      first = end;
    }
    return new ColorImages(pixels, labels);
  }

  /** Returns the number of a file's records, which come behind others. */
  private static int count(Path file, int before) throws IOException {
    long size = Files.size(file);
    if (size == 0 || size % RECORD != 0) {
      throw new FileFormatException(
          file, "expected records of %s bytes, got %s bytes".formatted(RECORD, size));
    }
    int most = Integer.MAX_VALUE / ColorImages.BYTES - before;
    if (size / RECORD > most) {
      throw new FileFormatException(
          file, "expected at most %s records more, got %s".formatted(most, size / RECORD));
    }
    return (int) (size / RECORD);
  }

  private static int readRecords(Path file, int first, int end, byte[] pixels, byte[] labels)
      throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      for (int i = first; i < end; i++) {
        int label = in.read();
        if (label >= CLASSES) {
          throw new FileFormatException(file, "class %s in record %s".formatted(label, i - first));
        }
        int at = i * ColorImages.BYTES;
        if (label < 0 || in.readNBytes(pixels, at, ColorImages.BYTES) < ColorImages.BYTES) {
          throw new FileFormatException(file, "became shorter while it was read");
        }
        labels[i] = (byte) label;
      }
      return end - first;
    }
  }

  /** Writes images to a file. */
  public static void write(ColorImages images, Path file) throws IOException {
    Objects.requireNonNull(images, "images");
    Objects.requireNonNull(file, "file");
    byte[] bytes = new byte[Sizes.product("images (count, record)", images.count(), RECORD)];
    for (int i = 0; i < images.count(); i++) {
      bytes[i * RECORD] = (byte) images.label(i);
      for (int p = 0; p < ColorImages.BYTES; p++) {
        int plane = ColorImages.SIDE * ColorImages.SIDE;
        bytes[i * RECORD + 1 + p] =
            (byte) images.level(i, p / plane, p % plane / ColorImages.SIDE, p % ColorImages.SIDE);
      }
    }
    Files.write(file, bytes);
  }
}
