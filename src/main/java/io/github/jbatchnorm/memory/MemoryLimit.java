package io.github.jbatchnorm.memory;

import io.github.jbatchnorm.platform.Settings;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.OptionalLong;

/** The most memory that all storages may take together: {@link Settings#MAX_MEMORY}. */
final class MemoryLimit {
  /** Where the property is not set: half of the machine's memory, or of the container's. */
  private static final int DEFAULT_SHARE = 2;

  private MemoryLimit() {}

  static long bytes() {
    OptionalLong wanted = Settings.maxMemory();
    if (wanted.isPresent()) {
      return wanted.getAsLong();
    }
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean machine) {
      return machine.getTotalMemorySize() / DEFAULT_SHARE;
    }
    return Runtime.getRuntime().maxMemory();
  }

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
