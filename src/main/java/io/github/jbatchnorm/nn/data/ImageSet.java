package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.platform.Sizes;

/**
 * Grey images and their labels. Immutable as long as no one writes to the arrays, which it shares.
 */
public final class ImageSet {
  private final int rows;
  private final int columns;
  private final byte[] pixels;
  private final byte[] labels;

  /**
   * Makes a set.
   *
   * @param rows the images' height
   * @param columns the images' width
   * @param pixels N * rows * columns levels of grey, unsigned, 0 for paper and 255 for ink
   * @param labels N classes, unsigned
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public ImageSet(int rows, int columns, byte[] pixels, byte[] labels) {
    int size = Sizes.product("images (count, rows, columns)", labels.length, rows, columns);
    if (rows < 1 || columns < 1 || pixels.length != size) {
      throw new IllegalArgumentException(
          "pixels: expected %s images of %s x %s, got %s bytes"
              .formatted(labels.length, rows, columns, pixels.length));
    }
    this.rows = rows;
    this.columns = columns;
    this.pixels = pixels;
    this.labels = labels;
  }

  /**
   * Draws digits: something to try a network on.
   *
   * @param count how many, 0 or more; their classes are the digits 0 to 9 in turn
   * @param seed chooses all that is random
   * @return the images
   */
  public static ImageSet draw(int count, long seed) {
    return DrawnDigits.draw(count, seed);
  }

  /**
   * {@return the images in batches, in their own order; the last batch may be smaller}
   *
   * @param size images a batch, 1 or more
   */
  public BatchSource inOrder(int size) {
    return Batches.inOrder(this, size);
  }

  /**
   * {@return the batches of one epoch: each image once, moved at random, in an order that seed and
   * epoch determine (Fisher and Yates)}
   *
   * @param size images a batch, 1 or more
   * @param shift the most pixels that an image is moved, down or up and right or left; paper comes
   *     in at the edges
   * @param seed of all that is random
   * @param epoch from 1
   * @throws IllegalArgumentException if size or shift is out of range
   */
  public BatchSource shuffled(int size, int shift, long seed, int epoch) {
    return Batches.shuffled(this, size, shift, seed, epoch);
  }

  /** {@return the number of images} */
  public int count() {
    return labels.length;
  }

  /** {@return the images' height in pixels} */
  public int rows() {
    return rows;
  }

  /** {@return the images' width in pixels} */
  public int columns() {
    return columns;
  }

  /**
   * {@return the class of one image}
   *
   * @param image which, from 0
   */
  public int label(int image) {
    return labels[image] & 0xff;
  }

  /** {@return the largest class and one, at least 1} */
  public int classes() {
    int classes = 1;
    for (int i = 0; i < count(); i++) {
      classes = Math.max(classes, label(i) + 1);
    }
    return classes;
  }

  /**
   * {@return one pixel's level of grey, 0 to 255}
   *
   * @param image which, from 0
   * @param row from the top, from 0
   * @param column from the left, from 0
   */
  public int pixel(int image, int row, int column) {
    return pixels[(image * rows + row) * columns + column] & 0xff;
  }
}
