package io.github.jbatchnorm.cli;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A shape in benchdnn's notation: {@code mb32ic64ih56iw56}, N and C, then depth, height and width
 * as far as there are such axes. The width is the height where only the height is given.
 *
 * @param name as it was written
 * @param n samples
 * @param c channels
 * @param s positions
 */
record BenchShape(String name, int n, int c, int s) {
  private static final Pattern FORM =
      Pattern.compile(
          "mb(\\d{1,9})ic(\\d{1,9})(?:id(\\d{1,9}))?(?:ih(\\d{1,9}))?(?:iw(\\d{1,9}))?");

  /** Reads a shape. */
  static BenchShape parse(String text) throws UserException {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new UserException("SHAPE: '%s' is not like mb32ic64ih56iw56".formatted(text));
    }
    long height = size(parts, 4);
    long width = parts.group(5) == null ? height : size(parts, 5);
    long n = size(parts, 1);
    long c = size(parts, 2);
    double elements = (double) n * c * size(parts, 3) * height * width;
    if (elements < 1 || elements > 1 << 28) {
      throw new UserException("SHAPE: '%s' has not 1 to 2^28 elements".formatted(text));
    }
    return new BenchShape(text, (int) n, (int) c, (int) (size(parts, 3) * height * width));
  }

  private static long size(Matcher parts, int group) {
    return parts.group(group) == null ? 1 : Long.parseLong(parts.group(group));
  }
}
