package io.github.jbatchnorm.jmh;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * Training steps (forward, loss, backward, SGD with momentum) of the demo network and of ResNet-20,
 * on the same batch each time, by this library, by DJL on PyTorch and by DL4J: {@code images} is
 * how many images a second each takes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class NetworkBenchmark {
  static final int CLASSES = 10;
  static final float RATE = 0.01f;
  static final float MOMENTUM = 0.9f;

  /** One training step on images, (batch, channels, side, side), and their labels. */
  @FunctionalInterface
  interface Step {
    void run(float[] pixels, int[] labels);
  }

  /** A network, its images and how many threads train it. */
  public enum Network {
    /** Three times convolution, batch norm, ReLU and pooling, then a dense layer. */
    DEMO(1, 28),
    /** He et al., 2016: shortcuts without parameters. */
    RESNET20(3, 32);

    final int channels;
    final int side;

    Network(int channels, int side) {
      this.channels = channels;
      this.side = side;
    }
  }

  /** Which network. */
  @Param({"DEMO", "RESNET20"})
  public Network network;

  /** Images a step. */
  @Param({"32", "128"})
  public int batch;

  /** Threads of all three. */
  @Param({"2"})
  public int threads;

  private float[] pixels;
  private int[] labels;

  /** Draws images of noise: time does not depend on what they show. */
  @Setup
  public void draw() {
    SplittableRandom random = new SplittableRandom(1);
    pixels = new float[batch * network.channels * network.side * network.side];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextDouble();
    }
    labels = new int[batch];
    for (int i = 0; i < batch; i++) {
      labels[i] = i % CLASSES;
    }
  }

  /** Counts. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Count {
    /** Images trained on. */
    public long images;
  }

  private void step(Step step, Count count) {
    step.run(pixels, labels);
    count.images += batch;
  }

  /** This library. */
  @State(Scope.Thread)
  public static class Ours {
    private Step step;

    /** Makes the network. */
    @Setup
    public void create(NetworkBenchmark of) {
      System.setProperty("jbatchnorm.threads", Integer.toString(of.threads));
      step = OurNetworks.create(of.network);
    }
  }

  /** This library. */
  @Benchmark
  public void ours(Ours ours, Count count) {
    step(ours.step, count);
  }

  /** DJL on PyTorch. */
  @State(Scope.Thread)
  public static class Djl {
    private Step step;

    /** Makes the network. */
    @Setup
    public void create(NetworkBenchmark of) {
      System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(of.threads));
      step = DjlNetworks.create(of.network, of.batch);
    }
  }

  /** DJL on PyTorch. */
  @Benchmark
  public void djl(Djl djl, Count count) {
    step(djl.step, count);
  }

  /** DL4J. */
  @State(Scope.Thread)
  public static class Dl4j {
    private Step step;

    /** Makes the network. */
    @Setup
    public void create(NetworkBenchmark of) {
      step = Dl4jNetworks.create(of.network, of.threads);
    }
  }

  /** DL4J. */
  @Benchmark
  public void dl4j(Dl4j dl4j, Count count) {
    step(dl4j.step, count);
  }
}
