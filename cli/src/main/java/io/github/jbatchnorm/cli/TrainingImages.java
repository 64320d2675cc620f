package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.ColorImages;
import io.github.jbatchnorm.nn.data.IdxFiles;
import io.github.jbatchnorm.nn.data.ImageSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.function.IntFunction;

/**
 * Images to train and to test on, grey or in colours.
 *
 * @param colors planes of an image: 1 or 3
 * @param rows the images' height
 * @param columns the images' width
 * @param classes how many there are
 * @param trainCount images to train on
 * @param testCount images to test on
 * @param epoch the training batches of one epoch
 * @param test the test batches, of a size
 */
record TrainingImages(
    int colors,
    int rows,
    int columns,
    int classes,
    int trainCount,
    int testCount,
    Epoch epoch,
    IntFunction<BatchSource> test) {
  /** The training batches of one epoch. */
  @FunctionalInterface
  interface Epoch {
    BatchSource batches(int size, int shift, long seed, int epoch);
  }

  /** Returns grey images. */
  static TrainingImages of(ImageSet train, ImageSet test) {
    return new TrainingImages(
        1,
        train.rows(),
        train.columns(),
        Math.max(train.classes(), test.classes()),
        train.count(),
        test.count(),
        train::shuffled,
        test::inOrder);
  }

  /** Returns photographs, which are mirrored, and moved by what is usual for them. */
  static TrainingImages of(ColorImages train, ColorImages test) {
    return new TrainingImages(
        ColorImages.COLORS,
        ColorImages.SIDE,
        ColorImages.SIDE,
        Math.max(train.classes(), test.classes()),
        train.count(),
        test.count(),
        (size, shift, seed, epoch) -> train.shuffled(size, true, seed, epoch),
        test::inOrder);
  }

  /** Reads MNIST's or CIFAR's files, whichever are there. */
  static TrainingImages read(Path folder, CifarFiles.Labels labels)
      throws IOException, UserException {
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder.toString());
    }
    if (IdxFiles.isIn(folder)) {
      IdxFiles.TrainAndTest images = IdxFiles.read(folder);
      if (images.train().rows() < 8 || images.train().columns() < 8) {
        throw new UserException("--data: expected images of at least 8 x 8 pixels");
      }
      return of(images.train(), images.test());
    }
    if (CifarFiles.isIn(folder)) {
      CifarFiles.TrainAndTest images = CifarFiles.read(folder, labels);
      return of(images.train(), images.test());
    }
    throw new NoSuchFileException(
        folder.toString(),
        null,
        "holds neither MNIST's train-images-idx3-ubyte, nor CIFAR-10's data_batch_1.bin, nor"
            + " CIFAR-100's train.bin");
  }
}
