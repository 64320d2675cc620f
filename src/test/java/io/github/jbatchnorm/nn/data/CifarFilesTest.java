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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** CIFAR's binary formats, there and back, and what is wrong with broken files. */
class CifarFilesTest {
  @TempDir private Path folder;

  private static void write(Path folder, List<String> names) throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < names.size(); i++) {
      CifarFiles.write(ColorImages.draw(3 + i, i), folder.resolve(names.get(i)));
    }
  }

  private static final List<String> CIFAR_10 =
      List.of(
          "data_batch_1.bin",
          "data_batch_2.bin",
          "data_batch_3.bin",
          "data_batch_4.bin",
          "data_batch_5.bin",
          "test_batch.bin");

  @ParameterizedTest
  @ValueSource(strings = {"", "cifar-10-batches-bin"})
  void imagesComeBackAsTheyWereWritten(String archive) throws IOException {
    write(folder.resolve(archive), CIFAR_10);
    assertThat(CifarFiles.isIn(folder)).isTrue();
    CifarFiles.TrainAndTest images = CifarFiles.read(folder, CifarFiles.Labels.FINE);
    assertThat(images.train().count()).isEqualTo(3 + 4 + 5 + 6 + 7);
    assertThat(images.train().label(5)).isEqualTo(2);
    assertThat(images.train().classes()).isEqualTo(7);
    assertThat(images.train().level(5, 2, 31, 5))
        .isEqualTo(ColorImages.draw(4, 1).level(2, 2, 31, 5));
    assertThat(images.test().count()).isEqualTo(8);
  }

  /** The five files are one set: training on some of them would not be training on CIFAR-10. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4, 5})
  void missingFileOfTheSetIsNamed(int missing) throws IOException {
    write(folder, CIFAR_10);
    Path file = folder.resolve(CIFAR_10.get(missing));
    Files.delete(file);
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.FINE))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining(file.toString());
  }

  private static byte[] record(int... head) {
    byte[] record = new byte[head.length + 3072];
    for (int i = 0; i < head.length; i++) {
      record[i] = (byte) head[i];
    }
    record[head.length + 1024 + 32 + 7] = (byte) 201; // green, row 1, column 7
    return record;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "cifar-100-binary"})
  void cifar100HasTwoKindsOfLabels(String archive) throws IOException {
    Path own = Files.createDirectories(folder.resolve(archive));
    Files.write(own.resolve("train.bin"), record(19, 99));
    Files.write(own.resolve("test.bin"), record(3, 42));
    CifarFiles.TrainAndTest fine = CifarFiles.read(folder, CifarFiles.Labels.FINE);
    CifarFiles.TrainAndTest coarse = CifarFiles.read(folder, CifarFiles.Labels.COARSE);
    assertThat(fine.train().label(0)).isEqualTo(99);
    assertThat(fine.test().label(0)).isEqualTo(42);
    assertThat(coarse.train().label(0)).isEqualTo(19);
    assertThat(coarse.test().label(0)).isEqualTo(3);
    assertThat(coarse.test().level(0, 1, 1, 7)).isEqualTo(201);
  }

  @Test
  void cifar100ChecksBothLabelsAndItsRecords() throws IOException {
    Path train = folder.resolve("train.bin");
    Files.write(folder.resolve("test.bin"), record(0, 0));
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.FINE))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining(train.toString());
    Files.write(train, record(20, 0));
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.FINE))
        .hasMessage(train + ": class 20 in record 0");
    Files.write(train, record(0, 100));
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.COARSE))
        .hasMessage(train + ": class 100 in record 0");
    Files.write(train, record(0));
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.FINE))
        .hasMessage(train + ": expected records of 3074 bytes, got 3073 bytes");
  }

  @Test
  void folderOfBothSetsOrWithoutCoarseLabelsIsRefused() throws IOException {
    Path ten = folder.resolve("cifar-10-batches-bin");
    write(ten, CIFAR_10);
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.COARSE))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(ten + ": CIFAR-10 has no coarse labels");
    Files.write(folder.resolve("train.bin"), record(0, 0));
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.FINE))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(
            "%s: holds two sets, those of %s and %s: name the folder of one"
                .formatted(folder, ten, folder));
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
    assertThat(CifarFiles.isIn(folder)).isFalse();
    assertThatThrownBy(() -> CifarFiles.read(folder, CifarFiles.Labels.FINE))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("holds neither data_batch_1.bin (CIFAR-10) nor train.bin");
    assertThatThrownBy(() -> CifarFiles.read(folder.resolve("none"), CifarFiles.Labels.FINE))
        .isInstanceOf(NotDirectoryException.class);
    Path file = folder.resolve("data_batch_1.bin");
    Files.write(file, new byte[3072]);
    assertThatThrownBy(() -> CifarFiles.read(List.of(file)))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(file + ": expected records of 3073 bytes, got 3072 bytes");
    byte[] record = new byte[3073];
    record[0] = 10;
    Files.write(file, record);
    assertThatThrownBy(() -> CifarFiles.read(List.of(file)))
        .hasMessage(file + ": class 10 in record 0");
    Files.write(file, new byte[0]);
    assertThatThrownBy(() -> CifarFiles.read(List.of(file))).hasMessageContaining("got 0 bytes");
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
