package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.SplittableRandom;

/**
 * The batches of one epoch of colour images: each image once, its levels from -1 to 1; the last
 * batch may be smaller. Training images are moved by up to 4 pixels and half of them mirrored (He
 * et al., 2016).
 */
final class ColorBatches implements BatchSource {
  private static final int MOST_MOVED = 4;
  private static final float HALF = 127.5f;

  private final ColorImages images;
  private final int size;
  private final int[] order;
  private final int[] down;
  private final int[] right;
  private final boolean[] mirrored;

  private ColorBatches(ColorImages images, int size) {
    if (size < 1) {
      throw new IllegalArgumentException("size: expected 1 or more, got " + size);
    }
    this.images = images;
    this.size = size;
    this.order = new int[images.count()];
    this.down = new int[order.length];
    this.right = new int[order.length];
    this.mirrored = new boolean[order.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
  }

  /** Returns batches in the images' own order, as they are. */
  static ColorBatches inOrder(ColorImages images, int size) {
    return new ColorBatches(images, size);
  }

  /**
   * Returns batches in an order that seed and epoch determine.
   *
   * @param mirror whether half of the images are mirrored: not where left and right mean something
   */
  static ColorBatches shuffled(ColorImages images, int size, boolean mirror, long seed, int epoch) {
    ColorBatches batches = new ColorBatches(images, size);
    SplittableRandom random = EpochRandom.of(seed, epoch);
    BatchSource.shuffle(batches.order, random);
    for (int i = 0; i < batches.order.length; i++) {
      batches.down[i] = random.nextInt(-MOST_MOVED, MOST_MOVED + 1);
      batches.right[i] = random.nextInt(-MOST_MOVED, MOST_MOVED + 1);
      batches.mirrored[i] = mirror && random.nextBoolean();
    }
    return batches;
  }

  @Override
  public int count() {
    return (order.length + size - 1) / size;
  }

  @Override
  public int size(int index) {
    return Math.min(size, order.length - index * size);
  }

  @Override
  public Batch batch(int index) {
    int n = size(index);
    float[] values = new float[n * ColorImages.BYTES];
    int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      labels[i] = images.label(order[index * size + i]);
      put(index * size + i, values, i * ColorImages.BYTES);
    }
    int side = ColorImages.SIDE;
    return new Batch(Tensor.of(values, n, ColorImages.COLORS, side, side).asConstant(), labels);
  }

  private void put(int at, float[] values, int start) {
    int side = ColorImages.SIDE;
    int next = start;
    for (int color = 0; color < ColorImages.COLORS; color++) {
      for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column++) {
          int fromRow = row - down[at];
          int shown = mirrored[at] ? side - 1 - column : column;
          int fromColumn = shown - right[at];
          boolean inside =
              Math.min(fromRow, fromColumn) >= 0 && Math.max(fromRow, fromColumn) < side;
          values[next++] =
              inside ? images.level(order[at], color, fromRow, fromColumn) / HALF - 1 : 0;
        }
      }
    }
  }
}
