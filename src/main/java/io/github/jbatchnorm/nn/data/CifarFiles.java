package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.platform.Sizes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
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
   * @throws CifarFormatException if a file has no whole records, or a class above 9
   */
  public static ColorImages read(List<Path> files) throws IOException {
    ByteArrayOutputStream pixels = new ByteArrayOutputStream();
    ByteArrayOutputStream labels = new ByteArrayOutputStream();
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length == 0 || bytes.length % RECORD != 0) {
        throw new CifarFormatException(
            file, "expected records of %s bytes, got %s bytes".formatted(RECORD, bytes.length));
      }
      for (int at = 0; at < bytes.length; at += RECORD) {
        if ((bytes[at] & 0xff) >= CLASSES) {
          throw new CifarFormatException(
              file, "class %s in record %s".formatted(bytes[at] & 0xff, at / RECORD));
        }
        labels.write(bytes[at]);
        pixels.write(bytes, at + 1, ColorImages.BYTES);
      }
    }
    return new ColorImages(pixels.toByteArray(), labels.toByteArray());
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
