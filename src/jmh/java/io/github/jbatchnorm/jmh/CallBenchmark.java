package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.functional.Functions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
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

  private final BatchNormKernel kernel = Kernels.nativeKernel();
  private KernelState state;
  private final List<ByteBuffer> blocks = new ArrayList<>();
  private long forwardArguments;
  private long backwardArguments;
  private Tensor tensor;
  private Tensor variable;
  private Tensor gammaTensor;
  private Tensor betaTensor;

  /** Allocates everything once. */
  @Setup
  public void allocate() {
    int[] sizes = KernelState.sizes(shape);
    state = new KernelState(sizes);
    BatchNormShape sizesOf = state.shape;
    long[] shared = {0, 0, 0, sizesOf.n(), sizesOf.c(), sizesOf.s(), 0};
    long eps = Double.doubleToLongBits(EPS);
    long slope = Double.doubleToLongBits(1);
    forwardArguments =
        block(
            LongStream.of(shared),
            LongStream.of(0, eps, slope, address(state.x), 0),
            LongStream.of(address(state.gamma), address(state.beta), 0, 0, 0, 0),
            LongStream.of(address(state.y), address(state.mean)),
            LongStream.of(address(state.var), address(state.saved)));
    backwardArguments =
        block(
            LongStream.of(shared),
            LongStream.of(0, 0, eps, slope, address(state.x), address(state.dy), 0),
            LongStream.of(address(state.gamma), address(state.beta), address(state.saved), 0),
            LongStream.of(address(state.dx), 0),
            LongStream.of(address(state.dGamma), address(state.dBeta)));
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
    return Abi.jbn_forward(forwardArguments);
  }

  /** Forward through the kernel interface. */
  @Benchmark
  public void forwardKernel() {
    kernel.forward(
        state.shape,
        state.x,
        state.gamma,
        state.beta,
        EPS,
        state.y,
        state.mean,
        state.var,
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
    return Abi.jbn_backward(backwardArguments);
  }

  /** Backward through the kernel interface. */
  @Benchmark
  public void backwardKernel() {
    kernel.backward(
        state.shape,
        state.x,
        state.dy,
        state.gamma,
        state.saved,
        EPS,
        state.dx,
        state.dGamma,
        state.dBeta);
  }

  /** Forward and backward of tensors, the gradients included. */
  @Benchmark
  public Tensor stepTensor() {
    Functions.batchnorm(variable, gammaTensor, betaTensor, EPS).backward();
    return variable.grad();
  }

  /** The memory of a struct of the C ABI, whose fields are all of 8 bytes. */
  private long block(LongStream... parts) {
    long[] fields = Stream.of(parts).flatMapToLong(part -> part).toArray();
    fields[0] = (long) fields.length * Long.BYTES; // the struct's size
    ByteBuffer memory =
        ByteBuffer.allocateDirect(fields.length * Long.BYTES).order(ByteOrder.nativeOrder());
    memory.asLongBuffer().put(fields);
    blocks.add(memory);
    return new Pointer(memory).address();
  }

  private static long address(Storage storage) {
    ByteBuffer bytes = storage.bytes();
    try (Pointer pointer = new BytePointer(bytes)) {
      return pointer.address();
    }
  }
}
