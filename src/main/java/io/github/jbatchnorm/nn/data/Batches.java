package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.SplittableRandom;

/**
 * The batches of one epoch: each image once, in an order that seed and epoch determine; the last
 * batch may be smaller.
 */
final class Batches implements BatchSource {
  private final ImageSet images;
  private final int size;
  private final int[] order;
  private final int[] down;
  private final int[] right;

  private Batches(ImageSet images, int size) {
    if (size < 1) {
      throw new IllegalArgumentException("size: expected 1 or more, got " + size);
    }
    this.images = images;
    this.size = size;
    this.order = new int[images.count()];
    this.down = new int[images.count()];
    this.right = new int[images.count()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
  }

  /** Returns batches in the images' own order. */
  static Batches inOrder(ImageSet images, int size) {
    return new Batches(images, size);
  }

  /**
   * Returns batches in random order (Fisher and Yates), each image moved at random.
   *
   * @param size images a batch, 1 or more
   * @param shift the most pixels that an image is moved, down or up and right or left; paper comes
   *     in at the edges
   * @throws IllegalArgumentException if size or shift is out of range
   */
  static Batches shuffled(ImageSet images, int size, int shift, long seed, int epoch) {
    if (shift < 0) {
      throw new IllegalArgumentException("shift: expected 0 or more, got " + shift);
    }
    Batches batches = new Batches(images, size);
    SplittableRandom random = EpochRandom.of(seed, epoch);
    int[] order = batches.order;
    BatchSource.shuffle(order, random);
    for (int i = 0; i < order.length; i++) {
      batches.down[i] = random.nextInt(-shift, shift + 1);
      batches.right[i] = random.nextInt(-shift, shift + 1);
    }
    return batches;
  }

  @Override
  public int count() {
    return (order.length + size - 1) / size;
  }

  /** Returns the labels of one batch. */
  int[] labels(int batch) {
    int[] labels = new int[size(batch)];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = images.label(order[batch * size + i]);
    }
    return labels;
  }

  /** Returns the images of one batch, a constant of shape (n, 1, rows, columns), f32, 0 to 1. */
  Tensor images(int batch) {
    int n = size(batch);
    int rows = images.rows();
    int columns = images.columns();
    float[] values = new float[n * rows * columns];
    for (int i = 0; i < n; i++) {
      int at = batch * size + i;
      for (int row = Math.max(0, down[at]); row < Math.min(rows, rows + down[at]); row++) {
        int from = Math.max(0, right[at]);
        int end = Math.min(columns, columns + right[at]);
        for (int column = from; column < end; column++) {
          int level = images.pixel(order[at], row - down[at], column - right[at]);
          values[(i * rows + row) * columns + column] = level / 255f;
        }
      }
    }
    return Tensor.of(values, n, 1, rows, columns).asConstant();
  }

  @Override
  public Batch batch(int index) {
    return new Batch(images(index), labels(index));
  }

  @Override
  public int size(int batch) {
    return Math.min(size, order.length - batch * size);
  }
}
