package io.github.jbatchnorm.memory;

/** The sizes that blocks of memory have: four to an octave, so that at most a fifth is unused. */
final class SizeClass {
  /** How many there are, up to 2 GiB. */
  static final int COUNT = 96;

  private static final int SMALLEST = 64;

  private SizeClass() {}

  /** Returns the class of sizes that holds so many bytes: four to an octave. */
  static int of(int bytes) {
    int units = (Math.max(bytes, SMALLEST) - 1) / SMALLEST; // one less than needed
    if (units < 4) {
      return units;
    }
    int octave = 31 - Integer.numberOfLeadingZeros(units);
    return 4 * (octave - 1) + ((units >> (octave - 2)) & 3);
  }

  /** Returns the bytes of the largest size of a class; more than an int can hold for the last. */
  static long capacity(int kind) {
    if (kind < 4) {
      return (kind + 1L) * SMALLEST;
    }
    int octave = kind / 4 + 1;
    return ((4L + kind % 4 + 1) << (octave - 2)) * SMALLEST;
  }
}
