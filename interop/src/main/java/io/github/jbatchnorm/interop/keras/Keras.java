package io.github.jbatchnorm.interop.keras;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.platform.Reading;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Weights that Keras has saved: {@code .keras}, {@code .weights.h5} and the older {@code .h5}. They
 * come in this library's layout and under its names: layers' names joined by dots, then {@code
 * weight} for kernels, gammas and embeddings, {@code bias} for biases and betas, {@code
 * running_mean} and {@code running_var} for moving averages, with {@code num_batches_tracked} of 0,
 * which Keras does not count. A kernel's axes (..., in, out) become (out, in, ...); a depthwise one
 * (..., in, times) is the weight of a convolution in groups, (in times, 1, ...). What is none of
 * these keeps Keras's name and layout.
 *
 * <p>A batch norm's eps is 1e-3 in Keras, and its momentum is one minus ours.
 */
public final class Keras {
  private static final int MOST_CONFIG = 1 << 26;
  private static final String WEIGHTS = "model.weights.h5";

  private Keras() {}

  /**
   * Reads a file's weights.
   *
   * @param file {@code .keras}, {@code .weights.h5} or {@code .h5}
   * @return the tensors by name
   * @throws FileFormatException if it is broken or of another format, or if it is {@code
   *     .weights.h5} and has a batch norm without gamma or beta, which only {@code .keras} tells
   *     apart
   * @throws IOException if it cannot be read
   */
  public static Map<String, Stored> read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    if (Files.isDirectory(file)) {
      throw new FileFormatException(file, "is a folder");
    }
    return Reading.of(file, () -> isZip(file) ? readArchive(file) : readWeights(file));
  }

  private static boolean isZip(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] begin = in.readNBytes(2);
      return begin.length == 2 && begin[0] == 'P' && begin[1] == 'K';
    }
  }

  private static Map<String, Stored> readWeights(Path file) throws IOException {
    if (Files.size(file) > Integer.MAX_VALUE - Long.BYTES) {
      throw new FileFormatException(file, "is past 2 GiB");
    }
    return weights(file, Files.readAllBytes(file), null);
  }

  private static Map<String, Stored> readArchive(Path file) throws IOException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      byte[] config = bytes(file, zip, "config.json", MOST_CONFIG);
      byte[] weights = bytes(file, zip, WEIGHTS, Integer.MAX_VALUE - Long.BYTES);
      return weights(file, weights, ModelConfig.read(file, config));
    } catch (ZipException e) {
      throw new FileFormatException(file, "is no zip archive: " + e.getMessage());
    } catch (EOFException e) {
      throw new FileFormatException(file, "is a zip archive that is cut short");
    }
  }

  private static byte[] bytes(Path file, ZipFile zip, String name, long most) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new FileFormatException(file, "is no file of Keras: it has no " + name);
    }
    long size = entry.getSize();
    boolean possible = size <= Reading.mostInflated(entry.getCompressedSize());
    if (size < 0 || size > most || !possible) {
      throw new FileFormatException(
          file, "%s: expected at most %s bytes, got %s".formatted(name, most, size));
    }
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] bytes = in.readNBytes((int) size);
      if (bytes.length != size) {
        throw new FileFormatException(file, name + ": is cut short");
      }
      return bytes;
    }
  }

  private static Map<String, Stored> weights(Path file, byte[] bytes, @Nullable ModelConfig config)
      throws IOException {
    return new HdfWeights(file, bytes, config).read();
  }

  /**
   * {@return a dense layer's weights for features in this library's order, (C, ...) of a sample,
   * where Keras's Flatten has given them as (..., C)}
   *
   * @param weight of the dense layer after Flatten, shape (out, in)
   * @param channels C
   * @throws IllegalArgumentException if it is no matrix, or C does not divide in
   */
  public static Stored channelsFirst(Stored weight, int channels) {
    Objects.requireNonNull(weight, "weight");
    int[] shape = weight.shape();
    if (shape.length != 2 || channels < 1 || shape[1] % channels != 0) {
      throw new IllegalArgumentException(
          "weight: expected shape (out, in) with in a multiple of %s, got %s"
              .formatted(channels, weight));
    }
    int positions = shape[1] / channels;
    Stored turned =
        Layouts.transposed(
            new Stored(weight.type(), new int[] {shape[0], positions, channels}, weight.bytes()),
            0,
            2,
            1);
    ByteBuffer bytes = turned.bytes();
    return new Stored(weight.type(), shape, bytes);
  }
}
