package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.platform.Reading;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads images and labels from IDX files, the format of MNIST (LeCun, Cortes and Burges, "The MNIST
 * database of handwritten digits"): a big-endian magic number, the sizes of the axes, unsigned
 * bytes. Each file may be plain or, with .gz at its name's end, compressed.
 */
public final class IdxFiles {
  private static final int IMAGES = 0x0803;
  private static final int LABELS = 0x0801;
  private static final int MOST_PIXELS_A_SIDE = 4096;

  private static final List<String> NAMES =
      List.of(
          "train-images-idx3-ubyte",
          "train-labels-idx1-ubyte",
          "t10k-images-idx3-ubyte",
          "t10k-labels-idx1-ubyte");

  private IdxFiles() {}

  /**
   * A training and a test set.
   *
   * @param train the images to train on
   * @param test the images to test on, of the same size
   */
  public record TrainAndTest(ImageSet train, ImageSet test) {
    /**
     * Refuses null.
     *
     * @param train the images to train on
     * @param test the images to test on, of the same size
     */
    public TrainAndTest {
      Objects.requireNonNull(train, "train");
      Objects.requireNonNull(test, "test");
    }
  }

  /**
   * Reads the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte
   * and t10k-labels-idx1-ubyte of a folder, which may be called train-images.idx3-ubyte and so on.
   *
   * @param folder the folder that has them
   * @return the images
   * @throws NotDirectoryException if there is no such folder
   * @throws NoSuchFileException if one of the files is missing
   * @throws FileFormatException if a file is broken, or does not fit the others
   */
  public static TrainAndTest read(Path folder) throws IOException {
    Objects.requireNonNull(folder, "folder");
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder.toString());
    }
    Path trainImages = find(folder, NAMES.get(0));
    Path trainLabels = find(folder, NAMES.get(1));
    Path testImages = find(folder, NAMES.get(2));
    Path testLabels = find(folder, NAMES.get(3));
    ImageSet train = read(trainImages, trainLabels);
    ImageSet test = read(testImages, testLabels);
    if (train.rows() != test.rows() || train.columns() != test.columns()) {
      throw new FileFormatException(
          testImages,
          "images are %s x %s, those of %s are %s x %s"
              .formatted(test.rows(), test.columns(), trainImages, train.rows(), train.columns()));
    }
    return new TrainAndTest(train, test);
  }

  /**
   * Reads one set.
   *
   * @param images an idx3 file
   * @param labels an idx1 file
   * @return the images
   * @throws FileFormatException if a file is broken, or they do not fit each other
   */
  public static ImageSet read(Path images, Path labels) throws IOException {
    Objects.requireNonNull(images, "images");
    Objects.requireNonNull(labels, "labels");
    Pixels pixels = Reading.of(images, () -> readPixels(images));
    byte[] classes = Reading.of(labels, () -> readLabels(labels));
    if (classes.length != pixels.count()) {
      throw new FileFormatException(
          labels,
          "%s labels for the %s images of %s".formatted(classes.length, pixels.count(), images));
    }
    return new ImageSet(pixels.rows(), pixels.columns(), pixels.levels().array(), classes);
  }

  private record Pixels(int count, int rows, int columns, ByteBuffer levels) {}

  private static Pixels readPixels(Path images) throws IOException {
    try (DataInputStream in = open(images)) {
      int count = header(in, images, IMAGES, "images (idx3, unsigned bytes)");
      int rows = side(in, images, "rows");
      int columns = side(in, images, "columns");
      byte[] levels = body(in, images, (long) count * rows * columns);
      return new Pixels(count, rows, columns, ByteBuffer.wrap(levels));
    } catch (EOFException e) {
      throw new FileFormatException(images, "ends within its header");
    } catch (ZipException e) {
      throw new FileFormatException(images, "is no valid gzip file: " + e.getMessage());
    }
  }

  private static byte[] readLabels(Path labels) throws IOException {
    try (DataInputStream in = open(labels)) {
      int count = header(in, labels, LABELS, "labels (idx1, unsigned bytes)");
      return body(in, labels, count);
    } catch (EOFException e) {
      throw new FileFormatException(labels, "ends within its header");
    } catch (ZipException e) {
      throw new FileFormatException(labels, "is no valid gzip file: " + e.getMessage());
    }
  }

  /**
   * {@return true where {@link #read(Path)} would find a file of the four, or more}
   *
   * @param folder the folder that has them
   */
  public static boolean isIn(Path folder) {
    Objects.requireNonNull(folder, "folder");
    return NAMES.stream().flatMap(name -> files(folder, name)).anyMatch(Files::isRegularFile);
  }

  /** Returns what a file may be called. */
  private static Stream<Path> files(Path folder, String name) {
    String dotted = name.replaceFirst("-idx", ".idx");
    return Stream.of(name, dotted, name + ".gz", dotted + ".gz").map(folder::resolve);
  }

  private static Path find(Path folder, String name) throws NoSuchFileException {
    return files(folder, name)
        .filter(Files::isRegularFile)
        .findFirst()
        .orElseThrow(
            () ->
                new NoSuchFileException(
                    folder.resolve(name).toString(), null, "no such file, nor one with .gz"));
  }

  private static boolean isZipped(Path file) {
    return file.toString().endsWith(".gz");
  }

  private static DataInputStream open(Path file) throws IOException {
    InputStream in = Files.newInputStream(file);
    try {
      return new DataInputStream(
          new BufferedInputStream(isZipped(file) ? new GZIPInputStream(in) : in));
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private static int header(DataInputStream in, Path file, int magic, String what)
      throws IOException {
    int found = in.readInt();
    if (found != magic) {
      throw new FileFormatException(
          file,
          "is no IDX file of %s: expected magic 0x%08x, got 0x%08x".formatted(what, magic, found));
    }
    int count = in.readInt();
    if (count < 1) {
      throw new FileFormatException(
          file, "holds %s items".formatted(Integer.toUnsignedLong(count)));
    }
    return count;
  }

  private static int side(DataInputStream in, Path file, String name) throws IOException {
    int side = in.readInt();
    if (side < 1 || side > MOST_PIXELS_A_SIDE) {
      throw new FileFormatException(
          file,
          "expected 1 to %s %s, got %s"
              .formatted(MOST_PIXELS_A_SIDE, name, Integer.toUnsignedLong(side)));
    }
    return side;
  }

  /** Reads what follows the header: exactly {@code size} bytes. */
  private static byte[] body(DataInputStream in, Path file, long size) throws IOException {
    if (size > Integer.MAX_VALUE - 8) {
      throw new FileFormatException(file, "holds %s bytes, more than an array".formatted(size));
    }
    long there = Files.size(file); // a false size costs no memory
    byte[] bytes =
        new byte[(int) Math.min(size, isZipped(file) ? Reading.mostInflated(there) : there)];
    int got;
    try {
      got = in.readNBytes(bytes, 0, bytes.length);
    } catch (EOFException e) {
      throw new FileFormatException(file, "is truncated: the gzip stream ends early");
    }
    if (got < size) {
      throw new FileFormatException(
          file, "is truncated: expected %s bytes of data, got %s".formatted(size, got));
    }
    if (in.read() >= 0) {
      throw new FileFormatException(
          file, "goes on after the %s bytes of data that its header tells".formatted(size));
    }
    return bytes;
  }
}
