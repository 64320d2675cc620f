package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.memory.ArgumentBlock;
import io.github.jbatchnorm.memory.NativeMemory;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Execution;
import io.github.jbatchnorm.platform.Isa;
import io.github.jbatchnorm.platform.NativeLibraryException;
import java.lang.ref.Reference;

/** The C++ kernel behind the C ABI: every core, the machine's best instruction set. */
public final class NativeKernel implements BatchNormKernel {
  private final Execution execution;

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
    execution = new Execution(threads, isa);
  }

  /** Returns the instruction set that this kernel runs on. */
  public Isa isa() {
    return execution.usedIsa();
  }

  /** Returns the most threads that a call uses. */
  public int threads() {
    return execution.usedThreads();
  }

  @Override
  public String name() {
    return "native";
  }

  /** Returns the thread's block, begun with the fields that all structs share. */
  private ArgumentBlock begin(BatchNormShape shape) {
    return ArgumentBlock.empty()
        .integer(0) // the struct's size: see structure
        .dtype(shape.dtype())
        .integer(shape.layout().code)
        .integer(shape.n())
        .integer(shape.c())
        .integer(shape.s())
        .integer(execution.code());
  }

  @Override
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void forward(ForwardArguments a) {
    Checks.forward(a);
    ArgumentBlock block =
        begin(a.shape)
            .flag(a.invertible)
            .number(a.eps)
            .number(a.slope)
            .number(a.weights == null ? 0 : a.weights.total())
            .storage(a.x)
            .storage(a.z)
            .storage(a.gamma)
            .storage(a.beta)
            .storage(a.givenMean)
            .storage(a.givenVar)
            .storage(a.given)
            .storage(a.weights == null ? null : a.weights.values())
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
        begin(a.shape)
            .flag(a.given)
            .flag(a.inverted)
            .number(a.eps)
            .number(a.slope)
            .number(a.weights == null ? 0 : a.weights.total())
            .storage(a.x)
            .storage(a.dy)
            .storage(a.y)
            .storage(a.gamma)
            .storage(a.beta)
            .storage(a.saved)
            .storage(a.weights == null ? null : a.weights.values())
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
        begin(a.shape)
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
  public void copy(Storage from, Storage to, boolean pastCaches) {
    int bytes = from.length() * from.dtype().bytes();
    int room = to.length() * to.dtype().bytes();
    if (room != bytes) {
      throw new IllegalArgumentException("to: expected %s bytes, got %s".formatted(bytes, room));
    }
    int flag = pastCaches ? 1 : 0;
    int exec = execution.code();
    int status = NativeMemory.call((a, b) -> Abi.jbn_copy(a, b, bytes, flag, exec), from, to);
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
