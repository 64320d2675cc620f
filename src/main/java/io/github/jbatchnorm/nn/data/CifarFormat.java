package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * One of CIFAR's sets: its files, and what stands before each image.
 *
 * @param archive the folder that the files come in
 * @param training the files to train on
 * @param test the file to test on
 * @param classes how many there are of each of the labels, a byte each, before an image
 */
record CifarFormat(String archive, List<String> training, String test, List<Integer> classes) {
  /** Records of a class, 0 to 9, and an image. */
  static final CifarFormat CIFAR_10 =
      new CifarFormat(
          "cifar-10-batches-bin",
          List.of(
              "data_batch_1.bin",
              "data_batch_2.bin",
              "data_batch_3.bin",
              "data_batch_4.bin",
              "data_batch_5.bin"),
          "test_batch.bin",
          List.of(10));

  /** Records of a coarse class, 0 to 19, a fine one, 0 to 99, and an image. */
  static final CifarFormat CIFAR_100 =
      new CifarFormat("cifar-100-binary", List.of("train.bin"), "test.bin", List.of(20, 100));

  /** A set and the folder that has its files. */
  record Found(CifarFormat format, Path folder) {
    List<Path> training() {
      return format.training.stream().map(folder::resolve).toList();
    }

    List<Path> test() {
      return List.of(folder.resolve(format.test));
    }
  }

  /** Returns how many bytes of labels stand before an image. */
  int labels() {
    return classes.size();
  }

  /** Returns the number of classes of one of the labels. */
  int classes(int label) {
    return classes.get(label);
  }

  /** Returns the bytes of a label or two and an image. */
  int record() {
    return classes.size() + ColorImages.BYTES;
  }

  /** Returns the sets that a folder, or the archive's own in it, has files of. */
  static List<Found> in(Path folder) {
    List<Found> found = new ArrayList<>();
    for (CifarFormat format : List.of(CIFAR_10, CIFAR_100)) {
      for (Path each : List.of(folder, folder.resolve(format.archive))) {
        if (Stream.concat(format.training.stream(), Stream.of(format.test))
            .anyMatch(name -> Files.isRegularFile(each.resolve(name)))) {
          found.add(new Found(format, each));
        }
      }
    }
    return found;
  }

  /** Returns the one set of which there are files. */
  static Found find(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder.toString());
    }
    List<Found> found = in(folder);
    if (found.isEmpty()) {
      throw new NoSuchFileException(
          folder.toString(),
          null,
          "holds neither data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100)");
    }
    if (found.size() > 1) {
      throw new FileFormatException(
          folder,
          "holds two sets, those of %s and %s: name the folder of one"
              .formatted(found.get(0).folder(), found.get(1).folder()));
    }
    return found.get(0);
  }
}
