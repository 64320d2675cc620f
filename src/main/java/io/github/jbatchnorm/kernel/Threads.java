package io.github.jbatchnorm.kernel;

/**
 * How many threads one operation may use, for the kernel and for matrix products alike: the system
 * property {@value #PROPERTY}, by default the number of processors that the JVM sees.
 */
public final class Threads {
  /** The property that sets the number: 1 to 1024, or 0 for the default. */
  public static final String PROPERTY = "jbatchnorm.threads";

  private static final int MOST = 1024;

  private Threads() {}

  /**
   * Returns the number of threads, 1 or more.
   *
   * @throws IllegalArgumentException if the property is no number from 0 to 1024
   */
  public static int count() {
    return parse(System.getProperty(PROPERTY, "0"));
  }

  static int parse(String wanted) {
    if (!wanted.matches("\\d{1,4}") || Integer.parseInt(wanted) > MOST) {
      throw new IllegalArgumentException(
          "%s: expected 0 to %s, got %s".formatted(PROPERTY, MOST, wanted));
    }
    int threads = Integer.parseInt(wanted);
    return threads > 0 ? threads : Math.min(MOST, Runtime.getRuntime().availableProcessors());
  }
}
