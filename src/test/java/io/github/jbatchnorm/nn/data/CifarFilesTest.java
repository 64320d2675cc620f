package io.github.jbatchnorm.nn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CIFAR-10's binary format, there and back, and what is wrong with broken files. */
class CifarFilesTest {
  @TempDir private Path folder;

  @Test
  void imagesComeBackAsTheyWereWritten() throws IOException {
    ColorImages first = ColorImages.draw(12, 1);
    ColorImages second = ColorImages.draw(3, 2);
    CifarFiles.write(first, folder.resolve("data_batch_1.bin"));
    CifarFiles.write(second, folder.resolve("data_batch_2.bin"));
    CifarFiles.write(second, folder.resolve("test_batch.bin"));
    assertThat(Files.size(folder.resolve("test_batch.bin"))).isEqualTo(3 * 3073);
    ColorImages train = CifarFiles.readTraining(folder);
    assertThat(train.count()).isEqualTo(15);
    assertThat(train.label(7)).isEqualTo(7);
    assertThat(train.level(13, 2, 31, 5)).isEqualTo(second.level(1, 2, 31, 5));
    assertThat(CifarFiles.readTest(folder).count()).isEqualTo(3);
  }

  @Test
  void recordsAreAClassAndThreePlanes() throws IOException {
    byte[] record = new byte[3073];
    record[0] = 4;
    record[1 + 2 * 1024 + 3 * 32 + 5] = (byte) 200; // blue, row 3, column 5
    Path file = folder.resolve("one.bin");
    Files.write(file, record);
    ColorImages images = CifarFiles.read(List.of(file));
    assertThat(images.label(0)).isEqualTo(4);
    assertThat(images.level(0, 2, 3, 5)).isEqualTo(200);
  }

  @Test
  void brokenFilesAreNamed() throws IOException {
    Path file = folder.resolve("data_batch_1.bin");
    assertThatThrownBy(() -> CifarFiles.readTraining(folder))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> CifarFiles.readTraining(folder.resolve("none")))
        .isInstanceOf(NotDirectoryException.class);
    Files.write(file, new byte[3072]);
    assertThatThrownBy(() -> CifarFiles.readTraining(folder))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": expected records of 3073 bytes, got 3072 bytes");
    byte[] record = new byte[3073];
    record[0] = 10;
    Files.write(file, record);
    assertThatThrownBy(() -> CifarFiles.readTraining(folder))
        .hasMessage(file + ": class 10 in record 0");
    Files.write(file, new byte[0]);
    assertThatThrownBy(() -> CifarFiles.readTraining(folder)).hasMessageContaining("got 0 bytes");
  }

  @Test
  void batchesFollowFromSeedAndEpochAndMoveImages() {
    ColorImages images = ColorImages.draw(10, 3);
    Batch plain = ColorBatches.inOrder(images, 4).batch(2);
    assertThat(plain.x().shape()).containsExactly(2, 3, 32, 32);
    assertThat(plain.x().get(1, 2, 7, 9)).isEqualTo(images.level(9, 2, 7, 9) / 127.5f - 1);
    double[] first = ColorBatches.shuffled(images, 4, true, 5, 1).batch(0).x().toDoubleArray();
    assertThat(ColorBatches.shuffled(images, 4, true, 5, 1).batch(0).x().toDoubleArray())
        .isEqualTo(first);
    assertThat(ColorBatches.shuffled(images, 4, true, 5, 2).batch(0).x().toDoubleArray())
        .isNotEqualTo(first);
  }
}
