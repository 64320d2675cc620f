package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import java.util.concurrent.TimeUnit;
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

/** The Java kernel beside the native one, on memory that does not stay in a core's caches. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmark {
  /** Which kernel. */
  @Param({"native", "java"})
  public String kernel;

  /** Where the channels lie. */
  @Param({"NCHW", "NHWC"})
  public Layout layout;

  /** The sizes of x, channels first. */
  @Param({"32x64x112x112", "32x256x28x28", "32x512x7x7"})
  public String shape;

  private BatchNormKernel chosen;
  private ForwardArguments forward;
  private ForwardArguments inference;
  private BackwardArguments backward;

  /** Allocates everything once. */
  @Setup
  public void allocate() {
    chosen = kernel.equals("java") ? Kernels.javaKernel() : Kernels.nativeKernel();
    KernelState state = new KernelState(KernelState.sizes(shape), layout);
    BatchNormOptions options = BatchNormOptions.DEFAULT;
    forward =
        new ForwardArguments(state.shape, options, state.x)
            .gamma(state.gamma)
            .beta(state.beta)
            .y(state.y)
            .saved(state.saved);
    inference =
        new ForwardArguments(state.shape, options, state.x)
            .gamma(state.gamma)
            .beta(state.beta)
            .given(state.mean, state.var)
            .y(state.y);
    chosen.forward(forward);
    backward =
        new BackwardArguments(state.shape, options, state.x, state.dy, state.saved)
            .gamma(state.gamma)
            .dx(state.dx)
            .dGamma(state.dGamma)
            .dBeta(state.dBeta);
  }

  /** Statistics and y. */
  @Benchmark
  public void forward() {
    chosen.forward(forward);
  }

  /** Gradients for x, gamma and beta. */
  @Benchmark
  public void backward() {
    chosen.backward(backward);
  }

  /** y with given statistics. */
  @Benchmark
  public void inference() {
    chosen.forward(inference);
  }
}
