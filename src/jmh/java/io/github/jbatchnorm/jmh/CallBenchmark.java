package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.autograd.Functions;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.NativeKernel;
import io.github.jbatchnorm.kernel.Storage;
import io.github.jbatchnorm.kernel.jni.Abi;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What each floor of the house adds to a call: the C ABI through JNI with addresses at hand, the
 * kernel interface with its checks, and a Tensor operation with its output. The difference of the
 * first two is what Java adds.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 9, time = 1)
@Fork(1)
public class CallBenchmark {
  private static final double EPS = 1e-5;

  /** The sizes of x. */
  @Param({"4x8", "8x16x4x4", "32x64x56x56"})
  public String shape;

  private final BatchNormKernel kernel = new NativeKernel();
  private KernelState state;
  private long x;
  private long y;
  private long dy;
  private long dx;
  private long gamma;
  private long beta;
  private long mean;
  private long var;
  private long saved;
  private long dGamma;
  private long dBeta;
  private Tensor tensor;
  private Tensor variable;
  private Tensor gammaTensor;
  private Tensor betaTensor;

  /** Allocates everything once. */
  @Setup
  public void allocate() {
    int[] sizes = KernelState.sizes(shape);
    state = new KernelState(sizes);
    x = address(state.x);
    y = address(state.y);
    dy = address(state.dy);
    dx = address(state.dx);
    gamma = address(state.gamma);
    beta = address(state.beta);
    mean = address(state.mean);
    var = address(state.var);
    saved = address(state.saved);
    dGamma = address(state.dGamma);
    dBeta = address(state.dBeta);
    float[] values = new float[state.shape.size()];
    state.x.floats().get(values);
    tensor = Tensor.constant(state.x, sizes);
    variable = Tensor.of(values, sizes);
    float[] ones = new float[state.shape.c()];
    java.util.Arrays.fill(ones, 1.5f);
    gammaTensor = Tensor.of(ones);
    betaTensor = Tensor.of(ones);
  }

  /** Forward through JNI alone. */
  @Benchmark
  public int forwardAbi() {
    return Abi.jbn_forward(
        0, 0, state.shape.n(), state.shape.c(), state.shape.s(), x, gamma, beta, EPS, y, mean, var,
        saved, 0);
  }

  /** Forward through the kernel interface. */
  @Benchmark
  public void forwardKernel() {
    kernel.forward(
        state.shape, state.x, state.gamma, state.beta, EPS, state.y, state.mean, state.var,
        state.saved);
  }

  /** Forward of a tensor, nothing recorded. */
  @Benchmark
  public Tensor forwardTensor() {
    try (NoAutodiff scope = NoAutodiff.scope()) {
      return Functions.batchnorm(tensor, gammaTensor, betaTensor, EPS);
    }
  }

  /** Backward through JNI alone. */
  @Benchmark
  public int backwardAbi() {
    return Abi.jbn_backward(
        0, 0, state.shape.n(), state.shape.c(), state.shape.s(), x, dy, gamma, saved, EPS, dx,
        dGamma, dBeta, 0);
  }

  /** Backward through the kernel interface. */
  @Benchmark
  public void backwardKernel() {
    kernel.backward(
        state.shape, state.x, state.dy, state.gamma, state.saved, EPS, state.dx, state.dGamma,
        state.dBeta);
  }

  /** Forward and backward of tensors, the gradients included. */
  @Benchmark
  public Tensor stepTensor() {
    Functions.batchnorm(variable, gammaTensor, betaTensor, EPS).backward();
    return variable.grad();
  }

  private static long address(Storage storage) {
    ByteBuffer bytes = storage.bytes();
    try (Pointer pointer = new BytePointer(bytes)) {
      return pointer.address();
    }
  }
}
