package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.platform.Sizes;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;

/** Colour images of 32 x 32 pixels with labels, as CIFAR-10 has them. Immutable. */
public final class ColorImages {
  /** The images' height and width. */
  public static final int SIDE = 32;

  /** Red, green and blue. */
  public static final int COLORS = 3;

  /** Bytes of one image: a plane for each colour, row by row. */
  public static final int BYTES = COLORS * SIDE * SIDE;

  private final byte[] pixels;
  private final byte[] labels;

  /**
   * Makes a set with copies of the arrays.
   *
   * @param pixels N * 3072 levels, unsigned
   * @param labels N classes, unsigned
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public ColorImages(byte[] pixels, byte[] labels) {
    if (pixels.length != (long) labels.length * BYTES) {
      throw new IllegalArgumentException(
          "pixels: expected %s bytes for %s images, got %s"
              .formatted((long) labels.length * BYTES, labels.length, pixels.length));
    }
    this.pixels = pixels.clone();
    this.labels = labels.clone();
  }

  /**
   * {@return the images in batches, in their own order, as they are; the last batch may be smaller}
   *
   * @param size images a batch, 1 or more
   */
  public BatchSource inOrder(int size) {
    return ColorBatches.inOrder(this, size);
  }

  /**
   * {@return the batches of one epoch: each image once, moved by up to 4 pixels, in an order that
   * seed and epoch determine (He et al., 2016)}
   *
   * @param size images a batch, 1 or more
   * @param mirror whether half of the images are mirrored: not where left and right mean something
   * @param seed of all that is random
   * @param epoch from 1
   */
  public BatchSource shuffled(int size, boolean mirror, long seed, int epoch) {
    return ColorBatches.shuffled(this, size, mirror, seed, epoch);
  }

  /**
   * {@return some of the images}
   *
   * @param from the first
   * @param to the one behind the last
   * @throws IndexOutOfBoundsException if there are no such images
   */
  public ColorImages range(int from, int to) {
    Objects.checkFromToIndex(from, to, count());
    return new ColorImages(
        Arrays.copyOfRange(pixels, from * BYTES, to * BYTES), Arrays.copyOfRange(labels, from, to));
  }

  /** {@return the number of images} */
  public int count() {
    return labels.length;
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
   * {@return the level of one colour of one pixel, 0 to 255}
   *
   * @param image which, from 0
   * @param color 0 red, 1 green, 2 blue
   * @param row from the top, from 0
   * @param column from the left, from 0
   */
  public int level(int image, int color, int row, int column) {
    return pixels[((image * COLORS + color) * SIDE + row) * SIDE + column] & 0xff;
  }

  /**
   * Draws digits in one colour on a ground of another, with noise: something to try a network on.
   *
   * @param count how many, 0 or more; their classes are the digits 0 to 9 in turn
   * @param seed chooses all that is random
   * @return the images
   */
  public static ColorImages draw(int count, long seed) {
    ImageSet digits = DrawnDigits.draw(count, seed);
    byte[] pixels =
        new byte[Sizes.product("images (count, colors, height, width)", count, COLORS, SIDE, SIDE)];
    byte[] labels = new byte[count];
    SplittableRandom random = new SplittableRandom(~seed);
    int margin = (SIDE - DrawnDigits.SIDE) / 2;
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) digits.label(i);
      for (int color = 0; color < COLORS; color++) {
        int ground = random.nextInt(0, 128);
        int ink = random.nextInt(128, 256);
        for (int p = 0; p < SIDE * SIDE; p++) {
          int row = p / SIDE - margin;
          int column = p % SIDE - margin;
          boolean inside = Math.min(row, column) >= 0 && Math.max(row, column) < DrawnDigits.SIDE;
          int grey = inside ? digits.pixel(i, row, column) : 0;
          int level = ground + (ink - ground) * grey / 255 + random.nextInt(-24, 25);
          pixels[(i * COLORS + color) * SIDE * SIDE + p] = (byte) Math.max(0, Math.min(255, level));
        }
      }
    }
    return new ColorImages(pixels, labels);
  }
}
