package io.github.jbatchnorm.kernel;

import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The most memory that all storages may take together: the property {@value #PROPERTY}. */
final class MemoryLimit {
  /** Bytes, perhaps with k, m or g for 1024, 1024^2 or 1024^3. */
  static final String PROPERTY = "jbatchnorm.maxMemory";

  /** Where the property is not set: half of the machine's memory, or of the container's. */
  private static final int DEFAULT_SHARE = 2;

  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})([kmg]?)");

  private MemoryLimit() {}

  static long bytes() {
    String wanted = System.getProperty(PROPERTY);
    if (wanted != null) {
      return parse(wanted);
    }
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean machine) {
      return machine.getTotalMemorySize() / DEFAULT_SHARE;
    }
    return Runtime.getRuntime().maxMemory();
  }

  /** Returns the bytes that a text like 512m stands for. */
  static long parse(String wanted) {
    Matcher matcher = SIZE.matcher(wanted.toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      int shift = matcher.group(2).isEmpty() ? 0 : 10 * ("kmg".indexOf(matcher.group(2)) + 1);
      long number = Long.parseLong(matcher.group(1));
      if (number <= Long.MAX_VALUE >> shift) {
        return number << shift;
      }
    }
    throw new IllegalArgumentException(
        "%s: expected bytes, as in 512m or 2g, got %s".formatted(PROPERTY, wanted));
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
