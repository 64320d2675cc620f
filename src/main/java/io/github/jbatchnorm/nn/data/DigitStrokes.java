package io.github.jbatchnorm.nn.data;

import java.util.SplittableRandom;

/**
 * The strokes of the digits: polylines x0, y0, x1, y1, ... in the unit square, y downwards. Some
 * digits are written in more than one way.
 */
final class DigitStrokes {
  private static final int ARC_POINTS = 12;

  private DigitStrokes() {}

  static double[][] of(int digit, SplittableRandom random) {
    boolean other = random.nextInt(3) == 0;
    return switch (digit) {
      case 0 -> strokes(arc(0.5, 0.5, 0.45, 0.5, -90, 270));
      case 1 ->
          other
              ? strokes(line(0.2, 0.25, 0.5, 0, 0.5, 1), line(0.2, 1, 0.8, 1))
              : strokes(line(0.3, 0.2, 0.5, 0, 0.5, 1));
      case 2 ->
          strokes(
              arc(0.5, 0.28, 0.4, 0.28, -170, 30), line(0.84, 0.42, 0.1, 1), line(0.1, 1, 0.9, 1));
      case 3 ->
          other
              ? strokes(line(0.15, 0, 0.85, 0, 0.45, 0.42), arc(0.45, 0.71, 0.4, 0.29, -90, 150))
              : strokes(
                  arc(0.45, 0.25, 0.36, 0.25, -150, 90), arc(0.45, 0.74, 0.42, 0.26, -90, 150));
      case 4 ->
          other
              ? strokes(line(0.2, 0, 0.15, 0.6, 0.9, 0.6), line(0.75, 0.1, 0.7, 1))
              : strokes(line(0.65, 1, 0.65, 0, 0.05, 0.68, 0.95, 0.68));
      case 5 -> strokes(line(0.85, 0, 0.22, 0, 0.17, 0.45), arc(0.47, 0.69, 0.42, 0.31, -135, 140));
      case 6 ->
          strokes(arc(0.85, 0.65, 0.75, 0.65, -95, -180), arc(0.5, 0.71, 0.4, 0.29, -180, 180));
      case 7 ->
          other
              ? strokes(line(0.1, 0, 0.9, 0, 0.4, 1), line(0.3, 0.5, 0.85, 0.5))
              : strokes(line(0.1, 0, 0.9, 0, 0.35, 1));
      case 8 -> strokes(arc(0.5, 0.25, 0.34, 0.25, 90, 450), arc(0.5, 0.75, 0.42, 0.25, -90, 270));
      default ->
          other
              ? strokes(arc(0.5, 0.29, 0.38, 0.29, 0, 360), line(0.88, 0.3, 0.8, 1))
              : strokes(arc(0.5, 0.29, 0.38, 0.29, 0, 360), arc(0.1, 0.3, 0.78, 0.7, 0, 75));
    };
  }

  private static double[][] strokes(double[]... strokes) {
    return strokes;
  }

  private static double[] line(double... points) {
    return points;
  }

  /** An arc of an ellipse between two angles in degrees, 0 to the right, clockwise. */
  private static double[] arc(
      double x, double y, double radiusX, double radiusY, double from, double to) {
    double[] points = new double[2 * ARC_POINTS + 2];
    for (int i = 0; i <= ARC_POINTS; i++) {
      double angle = StrictMath.toRadians(from + (to - from) * i / ARC_POINTS);
      points[2 * i] = x + radiusX * StrictMath.cos(angle);
      points[2 * i + 1] = y + radiusY * StrictMath.sin(angle);
    }
    return points;
  }
}
