package io.github.jbatchnorm.jmh;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One training step of the demo network (three times convolution, batch norm, ReLU and pooling,
 * then a dense layer; SGD with momentum) on the same batch of 32 images of 28 x 28, by this
 * library, by DJL on PyTorch and by DL4J.
 */
@State(Scope.Thread)
@BenchmarkMode(org.openjdk.jmh.annotations.Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 7, time = 2)
@Fork(1)
public class NetworkBenchmark {
  private static final int BATCH = 32;
  private static final int SIDE = 28;
  private static final int CLASSES = 10;
  private static final int[] CHANNELS = {1, 16, 32, 64};
  private static final int FEATURES = 64 * 3 * 3;
  private static final float RATE = 0.01f;
  private static final float MOMENTUM = 0.9f;

  private final float[] pixels = new float[BATCH * SIDE * SIDE];
  private final int[] labels = new int[BATCH];

  /** The images are noise: time does not depend on what they show. */
  public NetworkBenchmark() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextDouble();
    }
    for (int i = 0; i < labels.length; i++) {
      labels[i] = i % CLASSES;
    }
  }

  /** This library's network. */
  @State(Scope.Thread)
  public static class Ours {
    private Sequential network;
    private Sgd sgd;

    /** Makes it. */
    @Setup
    public void create() {
      SplittableRandom random = new SplittableRandom(1);
      Sequential.Builder builder = Sequential.builder();
      for (int i = 1; i < CHANNELS.length; i++) {
        Conv.Builder conv = Conv.builder(CHANNELS[i - 1], CHANNELS[i], 3, 3).withoutBias();
        builder.add("conv" + i, conv.options(ConvOptions.DEFAULT.withPadding(1)).build(random));
        BatchNormOptions relu = BatchNormOptions.DEFAULT.withRelu();
        builder.add("bn" + i, BatchNorm.builder(CHANNELS[i]).options(relu).build());
        builder.add("pool" + i, x -> Functions.maxPool(x, 2, 2));
      }
      builder.add("flatten", x -> x.reshape(x.dim(0), -1));
      builder.add("fc", new Dense(FEATURES, CLASSES, random));
      network = builder.build();
      sgd = new Sgd(network.parameters(), RATE, MOMENTUM);
    }
  }

  /** This library. */
  @Benchmark
  public void ours(Ours ours) {
    MemoryScope.run(
        () -> {
          Tensor x = Tensor.of(pixels, BATCH, 1, SIDE, SIDE).asConstant();
          Losses.softmaxCrossentropy(ours.network.forward(x, Mode.TRAINING), labels).backward();
          ours.sgd.step();
        });
  }

  /** DJL's network. */
  @State(Scope.Thread)
  public static class Djl {
    private Model model;
    private Trainer trainer;

    /** Makes it. */
    @Setup
    public void create() {
      SequentialBlock block = new SequentialBlock();
      for (int i = 1; i < CHANNELS.length; i++) {
        block
            .add(
                Conv2d.builder()
                    .setKernelShape(new Shape(3, 3))
                    .optPadding(new Shape(1, 1))
                    .optBias(false)
                    .setFilters(CHANNELS[i])
                    .build())
            .add(ai.djl.nn.norm.BatchNorm.builder().build())
            .add(Activation::relu)
            .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
      }
      block.add(Blocks.batchFlattenBlock()).add(Linear.builder().setUnits(CLASSES).build());
      model = Model.newInstance("demo", "PyTorch");
      model.setBlock(block);
      Optimizer sgd =
          Optimizer.sgd().setLearningRateTracker(Tracker.fixed(RATE)).optMomentum(MOMENTUM).build();
      trainer =
          model.newTrainer(
              new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(sgd));
      trainer.initialize(new Shape(BATCH, 1, SIDE, SIDE));
    }
  }

  /** DJL on PyTorch. */
  @Benchmark
  public void djl(Djl djl) {
    try (NDManager manager = djl.trainer.getManager().newSubManager()) {
      NDArray x = manager.create(pixels, new Shape(BATCH, 1, SIDE, SIDE));
      NDArray y = manager.create(labels);
      try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
        NDList scores = djl.trainer.forward(new NDList(x));
        scores.attach(manager);
        NDArray loss = djl.trainer.getLoss().evaluate(new NDList(y), scores);
        loss.attach(manager);
        collector.backward(loss);
      }
      djl.trainer.step();
    }
  }

  /** DL4J's network. */
  @State(Scope.Thread)
  public static class Dl4j {
    private MultiLayerNetwork network;

    /** Makes it. */
    @Setup
    public void create() {
      NeuralNetConfiguration.ListBuilder list =
          new NeuralNetConfiguration.Builder().updater(new Nesterovs(RATE, MOMENTUM)).list();
      for (int i = 1; i < CHANNELS.length; i++) {
        list.layer(
                new ConvolutionLayer.Builder(3, 3)
                    .convolutionMode(ConvolutionMode.Same)
                    .nOut(CHANNELS[i])
                    .hasBias(false)
                    .activation(org.nd4j.linalg.activations.Activation.IDENTITY)
                    .build())
            .layer(new BatchNormalization())
            .layer(new ActivationLayer(org.nd4j.linalg.activations.Activation.RELU))
            .layer(
                new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                    .kernelSize(2, 2)
                    .stride(2, 2)
                    .build());
      }
      list.layer(
          new OutputLayer.Builder(LossFunction.MCXENT)
              .nOut(CLASSES)
              .activation(org.nd4j.linalg.activations.Activation.SOFTMAX)
              .build());
      network =
          new MultiLayerNetwork(list.setInputType(InputType.convolutional(SIDE, SIDE, 1)).build());
      network.init();
    }
  }

  /** DL4J. */
  @Benchmark
  public void dl4j(Dl4j dl4j) {
    INDArray x = Nd4j.createFromArray(pixels).reshape(BATCH, 1, SIDE, SIDE);
    INDArray y = Nd4j.zeros(BATCH, CLASSES);
    for (int i = 0; i < BATCH; i++) {
      y.putScalar(i, labels[i], 1);
    }
    dl4j.network.fit(new DataSet(x, y));
  }
}
