package io.github.jbatchnorm.kernel;

import java.lang.System.Logger.Level;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the kernel of this JVM, once, by the system property {@value #PROPERTY}:
 *
 * <ul>
 *   <li>{@code native}: the native kernel, or an exception where it does not load
 *   <li>{@code java}: the pure-Java kernel
 *   <li>{@code auto}, the default: the native kernel; where it does not load, the pure-Java one
 *       after a warning that says why
 * </ul>
 *
 * <p>{@link Threads} sets the most threads that a call uses, and {@value #ISA_PROPERTY} forces an
 * instruction set (default {@code best}). Neither changes a bit.
 */
public final class Kernels {
  /** The property that chooses the kernel. */
  public static final String PROPERTY = "jbatchnorm.kernel";

  /** The property that forces an instruction set. */
  public static final String ISA_PROPERTY = "jbatchnorm.isa";

  private static final Set<String> KINDS = Set.of("native", "java", "auto");

  private Kernels() {}

  /** What was chosen. */
  private record Chosen(BatchNormKernel kernel, ArrayKernel arrays) {
    Chosen(BatchNormKernel kernel) {
      this(
          kernel,
          kernel instanceof NativeKernel nativeKernel
              ? new NativeArrays(nativeKernel.threads(), nativeKernel.isa())
              : new JavaArrays());
    }
  }

  /** Null until a choice has succeeded: one that failed is tried, and refused, again. */
  private static volatile @Nullable Chosen chosen;

  private static Chosen chosen() {
    Chosen made = chosen;
    return made == null ? make() : made;
  }

  private static synchronized Chosen make() {
    Chosen made = chosen;
    if (made == null) {
      made = new Chosen(choose(System.getProperty(PROPERTY, "auto")));
      chosen = made;
    }
    return made;
  }

  /**
   * Returns the kernel of this JVM.
   *
   * @throws IllegalArgumentException if a property has a value that it does not know
   * @throws NativeLibraryException if the native kernel is demanded and does not load
   */
  public static BatchNormKernel current() {
    return chosen().kernel();
  }

  /** Returns the operations on arrays that go with {@link #current}; it throws the same. */
  public static ArrayKernel arrays() {
    return chosen().arrays();
  }

  /**
   * Checks the values of this library's system properties, but for whether this machine has what
   * they ask for. Without it a bad value is found when it is first needed.
   *
   * @throws IllegalArgumentException if one has a value that it does not know
   */
  public static void checkProperties() {
    String kernel = System.getProperty(PROPERTY, "auto");
    if (!KINDS.contains(kernel)) {
      throw unknown(kernel);
    }
    Isa.parse(System.getProperty(ISA_PROPERTY, "best"));
    Threads.count();
    Products.parse(System.getProperty(Products.PROPERTY, "openblas"));
    MemoryLimit.bytes();
  }

  private static IllegalArgumentException unknown(String kernel) {
    return new IllegalArgumentException(
        "%s: expected native, java or auto, got %s".formatted(PROPERTY, kernel));
  }

  static BatchNormKernel choose(String wanted) {
    return switch (wanted) {
      case "java" -> new JavaKernel();
      case "native" -> nativeKernel();
      case "auto" -> nativeOrJava();
      default -> throw unknown(wanted);
    };
  }

  private static BatchNormKernel nativeKernel() {
    return new NativeKernel(Threads.count(), Isa.parse(System.getProperty(ISA_PROPERTY, "best")));
  }

  private static BatchNormKernel nativeOrJava() {
    try {
      return nativeKernel();
    } catch (NativeLibraryException e) {
      System.getLogger(Kernels.class.getName())
          .log(Level.WARNING, "Running on the pure-Java kernel: {0}", e.getMessage());
      return new JavaKernel();
    }
  }
}
