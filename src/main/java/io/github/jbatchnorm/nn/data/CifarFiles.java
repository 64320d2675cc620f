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
import java.util.List;
import java.util.Objects;

/**
 * CIFAR's binary files (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).
 * CIFAR-10: records of one byte for the class, 0 to 9, and 3072 bytes for the image, its red, green
 * and blue planes row by row. CIFAR-100: a byte for the coarse class, 0 to 19, and one for the fine
 * class, 0 to 99, before the image.
 */
public final class CifarFiles {
  private CifarFiles() {}

  /** Which of CIFAR-100's two classes an image's label is; CIFAR-10 has fine ones alone. */
  public enum Labels {
    /** One of 100 classes, or CIFAR-10's ten. */
    FINE,
    /** One of 20 groups of classes. */
    COARSE
  }

  /**
   * A training and a test set.
   *
   * @param train the images to train on
   * @param test the images to test on
   */
  public record TrainAndTest(ColorImages train, ColorImages test) {
    /**
     * Refuses null.
     *
     * @param train the images to train on
     * @param test the images to test on
     */
    public TrainAndTest {
      Objects.requireNonNull(train, "train");
      Objects.requireNonNull(test, "test");
    }
  }

  /**
   * {@return true where {@link #read(Path, Labels)} would find files of a set, all or some}
   *
   * @param folder any path
   */
  public static boolean isIn(Path folder) {
    Objects.requireNonNull(folder, "folder");
    return !CifarFormat.in(folder).isEmpty();
  }

  /**
   * {@return the images of CIFAR-10's data_batch_1.bin to data_batch_5.bin and test_batch.bin, or
   * of CIFAR-100's train.bin and test.bin}
   *
   * @param folder which has the files, or has cifar-10-batches-bin or cifar-100-binary, in which
   *     they are
   * @param labels which classes to take
   * @throws NotDirectoryException if there is no such folder
   * @throws NoSuchFileException if one of the files is missing, or all are
   * @throws FileFormatException if a file is broken, if there are files of both sets, or if
   *     CIFAR-10 is asked for coarse classes
   */
  public static TrainAndTest read(Path folder, Labels labels) throws IOException {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(labels, "labels");
    CifarFormat.Found found = CifarFormat.find(folder);
    CifarFormat format = found.format();
    if (labels == Labels.COARSE && format.labels() == 1) {
      throw new FileFormatException(found.folder(), "CIFAR-10 has no coarse labels");
    }
    int label = labels == Labels.COARSE ? 0 : format.labels() - 1;
    return new TrainAndTest(
        read(found.training(), format, label), read(found.test(), format, label));
  }

  /**
   * {@return the images of some of CIFAR-10's files, one after the other}
   *
   * @param files CIFAR-10's, in this order
   * @throws FileFormatException if a file has no whole records, or a class above 9
   */
  public static ColorImages read(List<Path> files) throws IOException {
    return read(files, CifarFormat.CIFAR_10, 0);
  }

  private static ColorImages read(List<Path> files, CifarFormat format, int label)
      throws IOException {
    int[] counts = new int[files.size()];
    int count = 0;
    for (int i = 0; i < counts.length; i++) {
      Path file = files.get(i);
      int before = count;
      counts[i] = Reading.of(file, () -> count(file, format.record(), before));
      count += counts[i];
    }
    int all = count;
    return Reading.inMemory(files, () -> read(files, counts, all, format, label));
  }

  private static ColorImages read(
      List<Path> files, int[] counts, int all, CifarFormat format, int label) throws IOException {
    byte[] pixels = new byte[all * ColorImages.BYTES];
    byte[] labels = new byte[all];
    int first = 0;
    for (int i = 0; i < counts.length; i++) {
      Path file = files.get(i);
      int at = first;
      int end = first + counts[i];
      Reading.of(file, () -> readRecords(file, format, label, at, end, pixels, labels));
      first = end;
    }
    return new ColorImages(pixels, labels);
  }

  /** Returns the number of a file's records, which come behind others. */
  private static int count(Path file, int record, int before) throws IOException {
    long size = Files.size(file);
    if (size == 0 || size % record != 0) {
      throw new FileFormatException(
          file, "expected records of %s bytes, got %s bytes".formatted(record, size));
    }
    int most = Integer.MAX_VALUE / ColorImages.BYTES - before;
    if (size / record > most) {
      throw new FileFormatException(
          file, "expected at most %s records more, got %s".formatted(most, size / record));
    }
    return (int) (size / record);
  }

  private static int readRecords(
      Path file, CifarFormat format, int label, int first, int end, byte[] pixels, byte[] labels)
      throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      for (int i = first; i < end; i++) {
        for (int k = 0; k < format.labels(); k++) {
          int value = in.read();
          if (value >= format.classes(k)) {
            throw new FileFormatException(
                file, "class %s in record %s".formatted(value, i - first));
          }
          if (value < 0) {
            throw shorter(file);
          }
          labels[i] = k == label ? (byte) value : labels[i];
        }
        int at = i * ColorImages.BYTES;
        if (in.readNBytes(pixels, at, ColorImages.BYTES) < ColorImages.BYTES) {
          throw shorter(file);
        }
      }
      return end - first;
    }
  }

  private static FileFormatException shorter(Path file) {
    return new FileFormatException(file, "became shorter while it was read");
  }

  /**
   * Writes images to a file of CIFAR-10's.
   *
   * @param images the images
   * @param file the file
   * @throws IOException if the file cannot be written
   */
  public static void write(ColorImages images, Path file) throws IOException {
    Objects.requireNonNull(images, "images");
    Objects.requireNonNull(file, "file");
    int record = CifarFormat.CIFAR_10.record();
    byte[] bytes = new byte[Sizes.product("images (count, record)", images.count(), record)];
    for (int i = 0; i < images.count(); i++) {
      bytes[i * record] = (byte) images.label(i);
      for (int p = 0; p < ColorImages.BYTES; p++) {
        int plane = ColorImages.SIDE * ColorImages.SIDE;
        bytes[i * record + 1 + p] =
            (byte) images.level(i, p / plane, p % plane / ColorImages.SIDE, p % ColorImages.SIDE);
      }
    }
    Files.write(file, bytes);
  }
}
