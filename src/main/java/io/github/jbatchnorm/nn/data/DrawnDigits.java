package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.platform.Sizes;
import java.util.SplittableRandom;

/**
 * Digits that the program draws itself, 28 x 28: strokes with random slant, size, place, width,
 * wobble, on paper of random shade with noise. The same seed draws the same pixels on every
 * machine, and image i does not depend on how many are drawn.
 */
final class DrawnDigits {
  /** The images' height and width. */
  static final int SIDE = 28;

  private static final int CLASSES = 10;

  private DrawnDigits() {}

  /**
   * Draws images of the digits 0 to 9, in turn.
   *
   * @param count how many, 0 or more
   * @param seed chooses all that is random
   * @throws IllegalArgumentException if count is below 0, or the pixels are more than
   *     2<sup>31</sup>-1
   */
  static ImageSet draw(int count, long seed) {
    byte[] pixels = new byte[Sizes.product("images (count, height, width)", count, SIDE, SIDE)];
    byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) (i % CLASSES);
      SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + i);
      draw(labels[i], random, pixels, i * SIDE * SIDE);
    }
    return new ImageSet(SIDE, SIDE, pixels, labels);
  }

  private static void draw(int digit, SplittableRandom random, byte[] pixels, int at) {
    double[][] strokes = Hand.of(random).write(DigitStrokes.of(digit, random), random);
    double width = random.nextDouble(0.8, 2.0);
    double paper = random.nextDouble(0, 0.5);
    double ink = paper + random.nextDouble(0.3, 0.5);
    double noise = random.nextDouble(0.05, 0.3);
    for (int row = 0; row < SIDE; row++) {
      for (int column = 0; column < SIDE; column++) {
        double distance = distance(strokes, column + 0.5, row + 0.5);
        double inked = Math.max(0, Math.min(1, width + 0.5 - distance));
        double grey = paper + (ink - paper) * inked;
        grey += noise * (random.nextDouble() - 0.5) * 2;
        pixels[at + row * SIDE + column] = (byte) Math.round(255 * Math.max(0, Math.min(1, grey)));
      }
    }
  }

  /** Returns how far a point is from the nearest stroke. */
  private static double distance(double[][] strokes, double x, double y) {
    double nearest = Double.POSITIVE_INFINITY;
    for (double[] stroke : strokes) {
      for (int i = 0; i + 3 < stroke.length; i += 2) {
        nearest = Math.min(nearest, toSegment(stroke, i, x, y));
      }
    }
    return Math.sqrt(nearest);
  }

  /** Returns the squared distance of a point from the segment that starts at {@code i}. */
  private static double toSegment(double[] stroke, int i, double x, double y) {
    double dx = stroke[i + 2] - stroke[i];
    double dy = stroke[i + 3] - stroke[i + 1];
    double length = dx * dx + dy * dy;
    double along = length == 0 ? 0 : ((x - stroke[i]) * dx + (y - stroke[i + 1]) * dy) / length;
    along = Math.max(0, Math.min(1, along));
    double ax = stroke[i] + along * dx - x;
    double ay = stroke[i + 1] + along * dy - y;
    return ax * ax + ay * ay;
  }

  /**
   * One writer's way: a linear map of the unit square onto the paper, and how much each point
   * wobbles.
   */
  private record Hand(
      double xx, double xy, double yx, double yy, double left, double top, double wobble) {

    static Hand of(SplittableRandom random) {
      double slant = random.nextDouble(-0.35, 0.35);
      double turn = random.nextDouble(-0.3, 0.3);
      double wide = random.nextDouble(9, 17);
      double high = random.nextDouble(14, 21);
      double cos = StrictMath.cos(turn);
      double sin = StrictMath.sin(turn);
      return new Hand(
          wide * cos,
          -high * (sin + slant * cos),
          wide * sin,
          high * (cos - slant * sin),
          SIDE / 2.0 + random.nextDouble(-3, 3),
          SIDE / 2.0 + random.nextDouble(-3, 3),
          random.nextDouble(0, 0.05));
    }

    double[][] write(double[][] strokes, SplittableRandom random) {
      double[][] written = new double[strokes.length][];
      for (int s = 0; s < strokes.length; s++) {
        written[s] = new double[strokes[s].length];
        for (int i = 0; i < strokes[s].length; i += 2) {
          double x = strokes[s][i] - 0.5 + random.nextDouble(-1, 1) * wobble;
          double y = strokes[s][i + 1] - 0.5 + random.nextDouble(-1, 1) * wobble;
          written[s][i] = left + xx * x + xy * y;
          written[s][i + 1] = top + yx * x + yy * y;
        }
      }
      return written;
    }
  }
}
