package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.jni.Abi;
import java.lang.ref.Reference;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** The C++ kernel behind the C ABI: every core, the machine's best instruction set. */
public final class NativeKernel implements BatchNormKernel {
  private final int exec;

  /** Makes a kernel with the default number of threads and the best instruction set. */
  public NativeKernel() {
    this(0, Isa.BEST);
  }

  /**
   * Makes a kernel. Neither argument changes a bit of any result.
   *
   * @param threads the most threads a call uses, its caller's included; 0 for OpenMP's default
   * @param isa the instruction set to use
   * @throws IllegalArgumentException if threads is not 0 to 1024, or this machine has not got isa
   * @throws NativeLibraryException if the native library does not load
   */
  public NativeKernel(int threads, Isa isa) {
    load();
    if (threads < 0 || threads > Abi.JBN_MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads: expected 0 to %d, got %d".formatted(Abi.JBN_MAX_THREADS, threads));
    }
    if (Abi.jbn_has_isa(isa.code) == 0) {
      throw new IllegalArgumentException(
          "isa: this machine has not got %s; its best is %s".formatted(isa, bestIsa()));
    }
    exec = isa.code << 16 | threads;
  }

  /**
   * Loads the native library, once; later calls return at once.
   *
   * @throws NativeLibraryException if it does not load, saying why and what to do
   */
  static void load() {
    try {
      Loader.load(Abi.class);
    } catch (LinkageError e) {
      throw new NativeLibraryException(e);
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

  /** Returns the instruction set that this kernel runs on. */
  public Isa isa() {
    Isa isa = Isa.of(exec >> 16);
    return isa == Isa.BEST ? bestIsa() : isa;
  }

  /** Returns the most threads that a call uses. */
  public int threads() {
    int threads = exec & 0xffff;
    return threads == 0 ? Abi.jbn_default_threads() : threads;
  }

  @Override
  public String name() {
    return "native";
  }

  @Override
  public void forward(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      double eps,
      Storage y,
      @Nullable Storage mean,
      @Nullable Storage var,
      @Nullable Storage saved) {
    Checks.forward(shape, x, gamma, beta, eps, y, mean, var, saved);
    int status =
        Abi.jbn_forward(
            shape.dtype().code,
            shape.layout().code,
            shape.n(),
            shape.c(),
            shape.s(),
            address(x),
            address(gamma),
            address(beta),
            eps,
            address(y),
            address(mean),
            address(var),
            address(saved),
            exec);
    keep(x, gamma, beta, y, mean, var, saved);
    check(status);
  }

  @Override
  public void infer(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      Storage mean,
      Storage var,
      double eps,
      Storage y) {
    Checks.infer(shape, x, gamma, beta, mean, var, eps, y);
    int status =
        Abi.jbn_infer(
            shape.dtype().code,
            shape.layout().code,
            shape.n(),
            shape.c(),
            shape.s(),
            address(x),
            address(gamma),
            address(beta),
            address(mean),
            address(var),
            eps,
            address(y),
            exec);
    keep(x, gamma, beta, mean, var, y, null);
    check(status);
  }

  @Override
  public void backward(
      BatchNormShape shape,
      Storage x,
      Storage dy,
      @Nullable Storage gamma,
      Storage saved,
      double eps,
      @Nullable Storage dx,
      @Nullable Storage dGamma,
      @Nullable Storage dBeta) {
    Checks.backward(shape, x, dy, gamma, saved, eps, dx, dGamma, dBeta);
    int status =
        Abi.jbn_backward(
            shape.dtype().code,
            shape.layout().code,
            shape.n(),
            shape.c(),
            shape.s(),
            address(x),
            address(dy),
            address(gamma),
            address(saved),
            eps,
            address(dx),
            address(dGamma),
            address(dBeta),
            exec);
    keep(x, dy, gamma, saved, dx, dGamma, dBeta);
    check(status);
  }

  /**
   * Copies one storage to another with the kernel's threads and vectors: what memory allows, for
   * measurements beside it.
   *
   * @param from elements to copy, aligned to 64 bytes as {@link Storage#allocate} makes them
   * @param to as many bytes, aligned alike
   * @param pastCaches whether to store past the caches where the instruction set can
   * @throws IllegalArgumentException if the sizes differ, a storage is not aligned, or they overlap
   */
  public void copy(Storage from, Storage to, boolean pastCaches) {
    int bytes = from.bytes().capacity();
    if (to.bytes().capacity() != bytes) {
      throw new IllegalArgumentException(
          "to: expected %d bytes, got %d".formatted(bytes, to.bytes().capacity()));
    }
    int status = Abi.jbn_copy(address(from), address(to), bytes, pastCaches ? 1 : 0, exec);
    keep(from, to, null, null, null, null, null);
    check(status);
  }

  /** The native address of a storage's first element, looked up once; 0 for none. */
  private static long address(@Nullable Storage storage) {
    if (storage == null) {
      return 0;
    }
    if (storage.address == 0) {
      storage.address = new Pointer(storage.bytes()).address();
    }
    return storage.address;
  }

  /** Keeps the memory alive until here: the native side saw only addresses. */
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  private static void keep(
      Storage a,
      @Nullable Storage b,
      @Nullable Storage c,
      @Nullable Storage d,
      @Nullable Storage e,
      @Nullable Storage f,
      @Nullable Storage g) {
    Reference.reachabilityFence(a);
    Reference.reachabilityFence(b);
    Reference.reachabilityFence(c);
    Reference.reachabilityFence(d);
    Reference.reachabilityFence(e);
    Reference.reachabilityFence(f);
    Reference.reachabilityFence(g);
  }

  private static void check(int status) {
    if (status == Abi.JBN_OK) {
      return;
    }
    String text = Abi.jbn_status_text(status).getString();
    if (status == Abi.JBN_NO_MEMORY) {
      throw new OutOfMemoryError(text);
    }
    throw new IllegalArgumentException(text);
  }
}
