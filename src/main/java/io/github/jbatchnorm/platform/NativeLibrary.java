package io.github.jbatchnorm.platform;

import io.github.jbatchnorm.jni.Abi;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The native library of this project: whether it is used, its loading, and what it says of itself.
 */
public final class NativeLibrary {
  /** Null until a choice has succeeded: one that failed is tried, and refused, again. */
  private static volatile @Nullable Boolean used;

  private static final String JAVACPP_LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

  /** Whose unpacked files were found to be as they are in the jar. */
  private static final Set<Class<?>> CHECKED = ConcurrentHashMap.newKeySet();

  private NativeLibrary() {}

  /**
   * Returns whether this JVM computes natively: what {@link Settings#KERNEL} says, decided once.
   *
   * @throws IllegalArgumentException if the property has a value that it does not know
   * @throws NativeLibraryException if native code is demanded and does not load
   */
  public static boolean isUsed() {
    Boolean known = used;
    return known == null ? choose() : known;
  }

  private static synchronized boolean choose() {
    Boolean known = used;
    if (known == null) {
      known = choose(Settings.kernel());
      used = known;
    }
    return known;
  }

  static boolean choose(Settings.Kernel wanted) {
    if (wanted == Settings.Kernel.JAVA) {
      return false;
    }
    try {
      load();
      return true;
    } catch (NativeLibraryException e) {
      if (wanted == Settings.Kernel.NATIVE) {
        throw e;
      }
      System.getLogger(NativeLibrary.class.getName())
          .log(Level.WARNING, "Running on the pure-Java kernel: {0}", e.getMessage());
      return false;
    }
  }

  /**
   * Loads the native library, once; later calls return at once.
   *
   * @throws NativeLibraryException if it does not load, saying why and what to do
   */
  public static void load() {
    try {
      load(Abi.class);
      checkVersion(Abi.jbn_version().getString());
    } catch (LinkageError | IllegalCallerException e) {
      throw new NativeLibraryException(e);
    }
  }

  /** Checks that classes and natives are of one version, where the classes' jar says theirs. */
  private static void checkVersion(String natives) {
    String classes = NativeLibrary.class.getPackage().getImplementationVersion();
    if (classes != null && !classes.equals(natives) && !classes.equals(natives + "-SNAPSHOT")) {
      throw new UnsatisfiedLinkError(
          "the native library is of version %s, expected %s: put the jars of one version on the class path"
              .formatted(natives, classes));
    }
  }

  /**
   * Has JavaCPP, which ends a program whose memory is four times its heap's, leave room for what
   * tensors may take: unless its property is set, or its classes are there already.
   */
  private static void allowMemory() {
    if (System.getProperty(JAVACPP_LIMIT) == null) {
      long javaCpp = 4 * Runtime.getRuntime().maxMemory();
      System.setProperty(JAVACPP_LIMIT, Long.toString(javaCpp + Settings.boundOfMemory()));
    }
  }

  /** Returns the cause of causes: what stood in the way, and not who noticed. */
  public static Throwable innermost(Throwable e) {
    Throwable innermost = e;
    for (Throwable next = e; next != null; next = next.getCause()) {
      innermost = next;
    }
    return innermost;
  }

  /**
   * Loads the library of a class of JavaCPP's bindings. An interrupt, which would end the lock on
   * JavaCPP's cache, and with it the loading for good, waits until afterwards.
   *
   * @throws LinkageError if it does not load
   * @throws IllegalCallerException if this JVM denies access to native code
   */
  public static void load(Class<?> bindings) {
    allowMemory();
    boolean interrupted = Thread.interrupted();
    try {
      check(Pointer.class); // JavaCPP's own
      check(bindings);
      Loader.load(bindings);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void check(Class<?> bindings) {
    if (!CHECKED.contains(bindings)) {
      UnpackedNatives.check(bindings);
      CHECKED.add(bindings);
    }
  }

  /** Returns the best instruction set of this machine. */
  public static Isa bestIsa() {
    load();
    return Isa.of(Abi.jbn_best_isa());
  }

  /** Returns true where this machine has the instruction set, so that it can be forced. */
  public static boolean has(Isa isa) {
    load();
    return Abi.jbn_has_isa(isa.code) != 0;
  }

  /** Returns the version of the native library. */
  public static String version() {
    load();
    return Abi.jbn_version().getString();
  }
}
