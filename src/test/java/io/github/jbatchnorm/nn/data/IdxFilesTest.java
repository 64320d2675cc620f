package io.github.jbatchnorm.nn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading IDX files, whole and broken. */
class IdxFilesTest {
  private static final int IMAGES = 0x0803;
  private static final int LABELS = 0x0801;

  @TempDir private Path folder;
  private Path trainImages;
  private Path trainLabels;

  private static byte[] idx(int magic, int dataBytes, int... sizes) {
    ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * sizes.length + dataBytes);
    bytes.putInt(magic);
    for (int size : sizes) {
      bytes.putInt(size);
    }
    for (int i = 0; i < dataBytes; i++) {
      bytes.put((byte) (i % 10));
    }
    return bytes.array();
  }

  private static byte[] zipped(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (OutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    }
    return out.toByteArray();
  }

  @BeforeEach
  void writeFourFiles() throws IOException {
    trainImages = folder.resolve("train-images-idx3-ubyte");
    trainLabels = folder.resolve("train-labels-idx1-ubyte");
    Files.write(trainImages, idx(IMAGES, 3 * 8 * 9, 3, 8, 9));
    Files.write(trainLabels, idx(LABELS, 3, 3));
    Files.write(
        folder.resolve("t10k-images-idx3-ubyte.gz"), zipped(idx(IMAGES, 2 * 8 * 9, 2, 8, 9)));
    Files.write(folder.resolve("t10k-labels-idx1-ubyte.gz"), zipped(idx(LABELS, 2, 2)));
  }

  private void assertRefused(Path file, String message) {
    assertThatThrownBy(() -> IdxFiles.read(folder))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": " + message);
  }

  /** Both spellings are in use: with a dash, as on the first site, and with a dot, as unpacked. */
  @Test
  void namesMayHaveADot() throws IOException {
    assertThat(IdxFiles.isIn(folder.resolve("none"))).isFalse();
    ImageSet before = IdxFiles.read(folder).train();
    Files.move(trainImages, folder.resolve("train-images.idx3-ubyte"));
    Files.move(
        folder.resolve("t10k-labels-idx1-ubyte.gz"), folder.resolve("t10k-labels.idx1-ubyte.gz"));
    assertThat(IdxFiles.isIn(folder)).isTrue();
    IdxFiles.TrainAndTest images = IdxFiles.read(folder);
    assertThat(images.train().count()).isEqualTo(3);
    assertThat(images.train().pixel(2, 7, 8)).isEqualTo(before.pixel(2, 7, 8));
    assertThat(images.test().count()).isEqualTo(2);
  }

  @Test
  void plainAndCompressedFilesAreRead() throws IOException {
    IdxFiles.TrainAndTest both = IdxFiles.read(folder);
    assertThat(both.train().count()).isEqualTo(3);
    assertThat(both.train().rows()).isEqualTo(8);
    assertThat(both.train().columns()).isEqualTo(9);
    assertThat(both.train().label(2)).isEqualTo(2);
    assertThat(both.train().pixel(1, 0, 3)).isEqualTo((72 + 3) % 10);
    assertThat(both.test().count()).isEqualTo(2);
  }

  @Test
  void missingFolderIsNamed() {
    assertThatThrownBy(() -> IdxFiles.read(folder.resolve("none")))
        .isInstanceOf(NotDirectoryException.class)
        .hasMessageContaining("none");
  }

  @Test
  void missingFileIsNamed() throws IOException {
    Files.delete(trainLabels);
    assertThatThrownBy(() -> IdxFiles.read(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("train-labels-idx1-ubyte");
  }

  @Test
  void anotherMagicIsRefused() throws IOException {
    Files.write(trainImages, idx(LABELS, 3, 3));
    assertRefused(
        trainImages,
        "is no IDX file of images (idx3, unsigned bytes): expected magic 0x00000803, got"
            + " 0x00000801");
  }

  @Test
  void truncatedHeaderIsRefused() throws IOException {
    Files.write(trainImages, new byte[] {0, 0, 8, 3, 0, 0});
    assertRefused(trainImages, "ends within its header");
    Files.write(trainImages, new byte[0]);
    assertRefused(trainImages, "ends within its header");
  }

  @Test
  void truncatedDataIsRefused() throws IOException {
    Files.write(trainImages, idx(IMAGES, 3 * 8 * 9 - 1, 3, 8, 9));
    assertRefused(trainImages, "is truncated: expected 216 bytes of data, got 215");
  }

  @Test
  void truncatedLabelsAreRefused() throws IOException {
    Files.write(trainLabels, idx(LABELS, 2, 3));
    assertRefused(trainLabels, "is truncated: expected 3 bytes of data, got 2");
  }

  @Test
  void bytesAfterTheDataAreRefused() throws IOException {
    Files.write(trainImages, idx(IMAGES, 3 * 8 * 9 + 1, 3, 8, 9));
    assertRefused(trainImages, "goes on after the 216 bytes of data that its header tells");
  }

  @Test
  void anotherNumberOfLabelsIsRefused() throws IOException {
    Files.write(trainLabels, idx(LABELS, 4, 4));
    assertRefused(trainLabels, "4 labels for the 3 images of " + trainImages);
  }

  @Test
  void absurdSizesAreRefusedAndTakeNoMemory() throws IOException {
    Files.write(trainImages, idx(IMAGES, 10, 3, -1, 9));
    assertRefused(trainImages, "expected 1 to 4096 rows, got 4294967295");
    Files.write(trainImages, idx(IMAGES, 10, 0, 8, 9));
    assertRefused(trainImages, "holds 0 items");
    Files.write(trainImages, idx(IMAGES, 10, Integer.MAX_VALUE, 4096, 4096));
    assertRefused(trainImages, "holds 36028797002186752 bytes, more than an array");
    Files.write(trainImages, idx(IMAGES, 10, 2_000_000, 32, 32));
    assertRefused(trainImages, "is truncated: expected 2048000000 bytes of data, got 10");
  }

  @Test
  void imagesOfAnotherSizeAreRefused() throws IOException {
    Path testImages = folder.resolve("t10k-images-idx3-ubyte.gz");
    Files.write(testImages, zipped(idx(IMAGES, 2 * 9 * 9, 2, 9, 9)));
    assertRefused(testImages, "images are 9 x 9, those of " + trainImages + " are 8 x 9");
  }

  @Test
  void brokenCompressionIsRefused() throws IOException {
    Path labels = folder.resolve("t10k-labels-idx1-ubyte.gz");
    Files.write(labels, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    assertRefused(labels, "is no valid gzip file: Not in GZIP format");
    byte[] whole = zipped(idx(LABELS, 2, 2));
    Files.write(labels, Arrays.copyOf(whole, whole.length - 9));
    assertThatThrownBy(() -> IdxFiles.read(folder))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(labels.toString());
  }
}
