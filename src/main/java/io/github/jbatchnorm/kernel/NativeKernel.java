package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.kernel.jni.Abi;
import java.lang.ref.Reference;

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
          "threads: expected 0 to %s, got %s".formatted(Abi.JBN_MAX_THREADS, threads));
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
      Libraries.load(Abi.class);
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
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void forward(ForwardArguments a) {
    Checks.forward(a);
    ArgumentBlock block =
        ArgumentBlock.of(a.shape, exec)
            .flag(a.invertible)
            .number(a.eps)
            .number(a.slope)
            .storage(a.x)
            .storage(a.z)
            .storage(a.gamma)
            .storage(a.beta)
            .storage(a.givenMean)
            .storage(a.givenVar)
            .storage(a.given)
            .storage(a.weights)
            .storage(a.y)
            .storage(a.mean)
            .storage(a.var)
            .storage(a.saved);
    int status = Abi.jbn_forward(block.structure());
    Reference.reachabilityFence(a);
    block.done();
    check(status);
  }

  @Override
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void backward(BackwardArguments a) {
    Checks.backward(a);
    ArgumentBlock block =
        ArgumentBlock.of(a.shape, exec)
            .flag(a.given)
            .flag(a.inverted)
            .number(a.eps)
            .number(a.slope)
            .storage(a.x)
            .storage(a.dy)
            .storage(a.y)
            .storage(a.gamma)
            .storage(a.beta)
            .storage(a.saved)
            .storage(a.weights)
            .storage(a.dx)
            .storage(a.dz)
            .storage(a.dGamma)
            .storage(a.dBeta);
    int status = Abi.jbn_backward(block.structure());
    Reference.reachabilityFence(a);
    block.done();
    check(status);
  }

  @Override
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void second(SecondArguments a) {
    Checks.second(a);
    ArgumentBlock block =
        ArgumentBlock.of(a.shape, exec)
            .flag(a.given)
            .number(a.eps)
            .storage(a.x)
            .storage(a.dy)
            .storage(a.gamma)
            .storage(a.saved)
            .storage(a.v)
            .storage(a.vGamma)
            .storage(a.vBeta)
            .storage(a.gx)
            .storage(a.gdy)
            .storage(a.gGamma);
    int status = Abi.jbn_second(block.structure());
    Reference.reachabilityFence(a);
    block.done();
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
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void copy(Storage from, Storage to, boolean pastCaches) {
    int bytes = from.length() * from.dtype().bytes();
    int room = to.length() * to.dtype().bytes();
    if (room != bytes) {
      throw new IllegalArgumentException("to: expected %s bytes, got %s".formatted(bytes, room));
    }
    Block source = from.memory().block(); // held, whatever scope closes meanwhile
    Block target = to.memory().block();
    int status =
        Abi.jbn_copy(from.address(source), to.address(target), bytes, pastCaches ? 1 : 0, exec);
    Reference.reachabilityFence(source);
    Reference.reachabilityFence(target);
    check(status);
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
