package io.github.jbatchnorm.platform;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The system properties of this library, all of them. None changes a bit of a batch normalization.
 * A bad value is refused when it is first needed, each time, or by {@link #check}.
 */
public final class Settings {
  /**
   * Chooses the kernel.
   *
   * <ul>
   *   <li>{@code native}: the native kernel, or an exception where it does not load
   *   <li>{@code java}: the pure-Java kernel
   *   <li>{@code auto}, the default: the native kernel; where it does not load, the pure-Java one
   *       after a warning that says why
   * </ul>
   */
  public static final String KERNEL = "jbatchnorm.kernel";

  /** Forces an instruction set, by the name of an {@link Isa}; {@code best} by default. */
  public static final String ISA = "jbatchnorm.isa";

  /**
   * The most threads that one operation uses, for the kernel and for matrix products alike: 1 to
   * 1024, or 0, the default, for the number of processors that the JVM sees.
   */
  public static final String THREADS = "jbatchnorm.threads";

  /**
   * How matrix products are computed, and convolutions' sums.
   *
   * <ul>
   *   <li>{@code openblas}: by OpenBLAS's gemm, or an exception where it does not load. The same
   *       bits for any number of threads, but not on every type of processor, for which OpenBLAS
   *       has kernels of their own. Convolutions of f32 are summed in f32, by fmas, by the native
   *       kernel, the same on every processor
   *   <li>{@code ordered}: each element a sum in f64 in the order of the inner index, rounded once.
   *       The same bits on every machine and in Java; several times slower
   *   <li>{@code auto}, the default: by OpenBLAS beside the native kernel; ordered beside the
   *       pure-Java one, and after a warning where OpenBLAS does not load
   * </ul>
   */
  public static final String MATMUL = "jbatchnorm.matmul";

  /**
   * The most memory that all storages may take together, in bytes, perhaps with k, m or g for 1024,
   * 1024<sup>2</sup> or 1024<sup>3</sup>; half of the machine's memory, or of the container's, by
   * default.
   */
  public static final String MAX_MEMORY = "jbatchnorm.maxMemory";

  private static final int MOST_THREADS = 1024;

  /** Of the machine's memory, or of the container's. */
  private static final int DEFAULT_SHARE = 2;

  private Settings() {}

  /** Which kernel is wanted. */
  enum Kernel {
    NATIVE,
    JAVA,
    AUTO
  }

  static Kernel kernel() {
    return parseKernel(System.getProperty(KERNEL, "auto"));
  }

  static Kernel parseKernel(String wanted) {
    for (Kernel kernel : Kernel.values()) {
      if (kernel.name().toLowerCase(Locale.ROOT).equals(wanted)) {
        return kernel;
      }
    }
    throw new IllegalArgumentException(
        "%s: expected native, java or auto, got %s".formatted(KERNEL, wanted));
  }

  /**
   * Returns the instruction set that {@value #ISA} names.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Isa isa() {
    return Isa.parse(System.getProperty(ISA, "best"));
  }

  /**
   * Returns the most threads that one operation uses, 1 or more: {@value #THREADS}.
   *
   * @throws IllegalArgumentException if the property is no number from 0 to 1024
   */
  public static int threads() {
    return parseThreads(System.getProperty(THREADS, "0"));
  }

  static int parseThreads(String wanted) {
    if (!wanted.matches("\\d{1,4}") || Integer.parseInt(wanted) > MOST_THREADS) {
      throw new IllegalArgumentException(
          "%s: expected 0 to %s, got %s".formatted(THREADS, MOST_THREADS, wanted));
    }
    int threads = Integer.parseInt(wanted);
    return threads > 0
        ? threads
        : Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
  }

  /** How matrix products are wanted. */
  public enum Products {
    /** By OpenBLAS. */
    OPENBLAS,
    /** The same bits on every machine. */
    ORDERED,
    /** By OpenBLAS where there is native code. */
    AUTO
  }

  /**
   * Returns how matrix products are wanted: {@value #MATMUL}.
   *
   * @throws IllegalArgumentException if the property has a value that it does not know
   */
  public static Products products() {
    String wanted = System.getProperty(MATMUL, "auto");
    return switch (wanted) {
      case "openblas" -> Products.OPENBLAS;
      case "ordered" -> Products.ORDERED;
      case "auto" -> Products.AUTO;
      default ->
          throw new IllegalArgumentException(
              "%s: expected openblas, ordered or auto, got %s".formatted(MATMUL, wanted));
    };
  }

  /**
   * Returns the most bytes that all storages may take together: {@value #MAX_MEMORY}. What the
   * machine has takes a JVM that starts a while to find out.
   *
   * @throws IllegalArgumentException if it is no number of bytes
   */
  public static long maxMemory() {
    Long wanted = wantedMemory();
    return wanted != null ? wanted : MachineMemory.available() / DEFAULT_SHARE;
  }

  /**
   * Returns {@link #maxMemory}, or something above it, at once.
   *
   * @throws IllegalArgumentException as that does
   */
  static long boundOfMemory() {
    Long wanted = wantedMemory();
    return wanted != null ? wanted : MachineMemory.bound() / DEFAULT_SHARE;
  }

  /**
   * Returns {@value #MAX_MEMORY}, or null where it is not set.
   *
   * @throws IllegalArgumentException if it is no number of bytes
   */
  public static @Nullable Long wantedMemory() {
    String wanted = System.getProperty(MAX_MEMORY);
    return wanted == null ? null : Long.valueOf(parseBytes(wanted));
  }

  /** Returns the bytes that a text like 512m stands for. */
  static long parseBytes(String wanted) {
    Matcher matcher =
        Pattern.compile("(\\d{1,15})([kmg]?)").matcher(wanted.toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      int shift = matcher.group(2).isEmpty() ? 0 : 10 * ("kmg".indexOf(matcher.group(2)) + 1);
      long number = Long.parseLong(matcher.group(1));
      if (number <= Long.MAX_VALUE >> shift) {
        return number << shift;
      }
    }
    throw new IllegalArgumentException(
        "%s: expected bytes, as in 512m or 2g, got %s".formatted(MAX_MEMORY, wanted));
  }

  /**
   * Checks the values of all properties, but for whether this machine has what they ask for.
   *
   * @throws IllegalArgumentException if one has a value that it does not know
   */
  public static void check() {
    kernel();
    isa();
    threads();
    products();
    wantedMemory();
  }
}
