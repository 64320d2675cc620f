package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.SplittableRandom;

/**
 * The batches of one epoch: each image once, in an order that seed and epoch determine; the last
 * batch may be smaller.
 */
public final class Batches {
  private final ImageSet images;
  private final int size;
  private final int[] order;

  private Batches(ImageSet images, int size, int[] order) {
    if (size < 1) {
      throw new IllegalArgumentException("size: expected 1 or more, got " + size);
    }
    this.images = images;
    this.size = size;
    this.order = order;
  }

  /** Returns batches in the images' own order. */
  public static Batches inOrder(ImageSet images, int size) {
    int[] order = new int[images.count()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    return new Batches(images, size, order);
  }

  /** Returns batches in random order (Fisher and Yates). */
  public static Batches shuffled(ImageSet images, int size, long seed, int epoch) {
    Batches batches = inOrder(images, size);
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + epoch);
    int[] order = batches.order;
    for (int i = order.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int held = order[i];
      order[i] = order[other];
      order[other] = held;
    }
    return batches;
  }

  /** Returns the number of batches. */
  public int count() {
    return (order.length + size - 1) / size;
  }

  /** Returns the labels of one batch. */
  public int[] labels(int batch) {
    int[] labels = new int[sizeOf(batch)];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = images.label(order[batch * size + i]);
    }
    return labels;
  }

  /** Returns the images of one batch, a constant of shape (n, 1, rows, columns), f32, 0 to 1. */
  public Tensor images(int batch) {
    int n = sizeOf(batch);
    int pixels = images.rows() * images.columns();
    float[] values = new float[n * pixels];
    for (int i = 0; i < n; i++) {
      images.copy(order[batch * size + i], values, i * pixels);
    }
    return Tensor.of(values, n, 1, images.rows(), images.columns()).asConstant();
  }

  private int sizeOf(int batch) {
    return Math.min(size, order.length - batch * size);
  }
}
