package io.github.jbatchnorm.memory;

import io.github.jbatchnorm.platform.Settings;
import java.util.Locale;

/** What messages say of {@link Settings#MAX_MEMORY}. */
final class MemoryLimit {
  private MemoryLimit() {}

  /** Returns a number of bytes for people. */
  static String text(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " B";
    }
    int unit = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
    return String.format(
        Locale.ROOT,
        "%.1f %siB",
        Math.scalb((double) bytes, -10 * unit),
        "KMGTPE".charAt(unit - 1));
  }
}
