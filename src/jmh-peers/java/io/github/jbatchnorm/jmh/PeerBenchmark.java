package io.github.jbatchnorm.jmh;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.training.GradientCollector;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.Kernels;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The same forward pass in training, and forward with backward, by this library's kernel, by DJL on
 * PyTorch and by ND4J's elementwise operations (ND4J has no batch normalization with the batch's
 * statistics in one operation; its network library composes it so).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(1)
public class PeerBenchmark {
  private static final double EPS = 1e-5;

  /** The sizes of x. */
  @Param({"8x16x4x4", "32x64x56x56", "32x512x7x7"})
  public String shape;

  private final BatchNormKernel kernel = Kernels.nativeKernel();
  private KernelState state;

  private NDManager manager;
  private NDArray x;
  private NDArray mean;
  private NDArray var;
  private NDArray gamma;
  private NDArray beta;

  private INDArray nd4jX;
  private INDArray nd4jGamma;
  private INDArray nd4jBeta;

  /** Gives all three the same values. */
  @Setup
  public void allocate() {
    int[] sizes = KernelState.sizes(shape);
    state = new KernelState(sizes);
    float[] values = new float[state.shape.size()];
    state.x.floats().get(values);
    float[] ones = new float[sizes[1]];
    Arrays.fill(ones, 1.5f);
    long[] axes = Arrays.stream(sizes).asLongStream().toArray();

    manager = NDManager.newBaseManager();
    x = manager.create(values, new Shape(axes));
    gamma = manager.create(ones);
    beta = manager.create(ones);
    mean = manager.zeros(new Shape(sizes[1]));
    var = manager.ones(new Shape(sizes[1]));
    x.setRequiresGradient(true);
    gamma.setRequiresGradient(true);
    beta.setRequiresGradient(true);

    nd4jX = Nd4j.createFromArray(values).reshape(axes);
    nd4jGamma = Nd4j.createFromArray(ones);
    nd4jBeta = Nd4j.createFromArray(ones);
    if (nd4jX.dataType() != DataType.FLOAT) {
      throw new IllegalStateException("ND4J holds " + nd4jX.dataType());
    }
  }

  /** Frees DJL's memory. */
  @TearDown(Level.Trial)
  public void free() {
    manager.close();
  }

  /** This library, forward. */
  @Benchmark
  public void forwardOurs() {
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

  /** This library, forward and backward. */
  @Benchmark
  public void stepOurs() {
    forwardOurs();
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

  /** DJL on PyTorch, forward. */
  @Benchmark
  public float forwardDjl() {
    try (NDManager scope = manager.newSubManager()) {
      NDArray input = x.stopGradient();
      input.attach(scope);
      NDList y = BatchNorm.batchNorm(input, mean, var, gamma, beta, 1, 0.1f, (float) EPS, true);
      y.attach(scope);
      return y.size();
    }
  }

  /** DJL on PyTorch, forward and backward of the sum of y. */
  @Benchmark
  public float stepDjl() {
    try (NDManager scope = manager.newSubManager();
        GradientCollector collector = Engine.getInstance().newGradientCollector()) {
      NDList y = BatchNorm.batchNorm(x, mean, var, gamma, beta, 1, 0.1f, (float) EPS, true);
      y.attach(scope);
      NDArray sum = y.singletonOrThrow().sum();
      sum.attach(scope);
      collector.backward(sum);
      return y.size();
    }
  }

  /** ND4J, forward. */
  @Benchmark
  public INDArray forwardNd4j() {
    int[] axes = nd4jX.rank() == 4 ? new int[] {0, 2, 3} : new int[] {0};
    INDArray batchMean = nd4jX.mean(axes);
    INDArray batchVar = nd4jX.var(false, axes);
    return Nd4j.nn().batchNorm(nd4jX, batchMean, batchVar, nd4jGamma, nd4jBeta, EPS, 1);
  }
}
