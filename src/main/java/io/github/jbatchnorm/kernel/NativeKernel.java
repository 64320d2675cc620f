package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.memory.NativeCall;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Execution;
import io.github.jbatchnorm.platform.Isa;
import io.github.jbatchnorm.platform.NativeLibraryException;
import java.lang.ref.Reference;

/** The C++ kernel behind the C ABI: every core, the machine's best instruction set. */
final class NativeKernel implements BatchNormKernel {
  private final Execution execution;

  /** Makes a kernel with the default number of threads and the best instruction set. */
  NativeKernel() {
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
  NativeKernel(int threads, Isa isa) {
    execution = new Execution(threads, isa);
  }

  @Override
  public String name() {
    return "native";
  }

  /** Returns the thread's block, begun with the fields that all structs share. */
  private NativeCall begin(BatchNormShape shape) {
    return NativeCall.begin()
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
    if (a.ranks != null) {
      shared(a);
      return;
    }
    Checks.forward(a);
    NativeCall call = arguments(a);
    int status = Abi.jbn_forward(call.structure());
    Reference.reachabilityFence(a);
    call.end();
    check(status);
  }

  @Override
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void backward(BackwardArguments a) {
    if (a.ranks != null) {
      shared(a);
      return;
    }
    Checks.backward(a);
    NativeCall call = arguments(a);
    int status = Abi.jbn_backward(call.structure());
    Reference.reachabilityFence(a);
    call.end();
    check(status);
  }

  private NativeCall arguments(ForwardArguments a) {
    return begin(a.shape)
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
  }

  private NativeCall arguments(BackwardArguments a) {
    return begin(a.shape)
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
  }

  /** A share of a batch: its statistics by messages, then the call with these. */
  private void shared(ForwardArguments a) {
    Shared shared = Shared.forward(a);
    a.total = shared.total();
    Storage saved = a.savedRoom();
    ForwardArguments statistics =
        new ForwardArguments(a.shape, a.eps, a.slope, a.x).mean(a.mean).var(a.var).saved(saved);
    try (NativeShares shares =
        new NativeShares(shared, () -> arguments(statistics), 1 + 20L * a.shape.c())) {
      boolean isMore = true;
      while (isMore) {
        isMore =
            shares.exchange(Abi::jbn_forward_sizes, Abi::jbn_forward_share, Abi::jbn_forward_join);
      }
    }
    forward(a.applied(saved));
  }

  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  private void shared(BackwardArguments a) {
    Shared shared = Shared.backward(a);
    try (NativeShares shares = new NativeShares(shared, () -> arguments(a), 2L * a.shape.c())) {
      shares.exchange(Abi::jbn_backward_sizes, Abi::jbn_backward_share, Abi::jbn_backward_join);
      NativeCall call = arguments(a).storage(shares.state()).integer(shared.total());
      int status = Abi.jbn_backward(call.structure());
      Reference.reachabilityFence(a);
      call.end();
      check(status);
    }
  }

  @Override
  @SuppressWarnings("ReachabilityFenceUsage") // no finally: the native call before never throws
  public void second(SecondArguments a) {
    Checks.second(a);
    NativeCall call =
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
    int status = Abi.jbn_second(call.structure());
    Reference.reachabilityFence(a);
    call.end();
    check(status);
  }

  static void check(int status) {
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
