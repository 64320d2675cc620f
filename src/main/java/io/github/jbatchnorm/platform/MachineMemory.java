package io.github.jbatchnorm.platform;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;

/** How much memory there is. */
final class MachineMemory {
  /** Whose first line is, say, "MemTotal: 16310180 kB". */
  private static final String LINUX = "/proc/meminfo";

  private static final int FIRST_LINE = 64;

  private MachineMemory() {}

  /**
   * Returns the bytes that the machine has, or this container may use. The first call loads
   * java.lang.management, which takes 50 ms.
   */
  static long available() {
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean machine) {
      return machine.getTotalMemorySize();
    }
    return Runtime.getRuntime().maxMemory() * 2;
  }

  /** Returns {@link #available}, or more in a container, at once where the system is Linux. */
  static long bound() {
    try (InputStream in = new FileInputStream(LINUX)) {
      String line = new String(in.readNBytes(FIRST_LINE), StandardCharsets.ISO_8859_1);
      long kilobytes = 0;
      for (int i = 0; i < line.length() && line.charAt(i) != '\n'; i++) {
        int digit = line.charAt(i) - '0';
        kilobytes = digit < 0 || digit > 9 ? kilobytes : 10 * kilobytes + digit;
      }
      return kilobytes > 0 ? kilobytes << 10 : available();
    } catch (IOException e) {
      return available(); // another system
    }
  }
}
