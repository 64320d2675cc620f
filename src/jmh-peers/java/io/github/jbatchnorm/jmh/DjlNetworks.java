package io.github.jbatchnorm.jmh;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.util.List;

/** The benchmark's networks in DJL, on PyTorch. */
final class DjlNetworks {
  private DjlNetworks() {}

  static NetworkBenchmark.Step create(NetworkBenchmark.Network of, int batch) {
    Shape shape = new Shape(batch, of.channels, of.side, of.side);
    Model model = Model.newInstance(of.name(), "PyTorch");
    model.setBlock(of == NetworkBenchmark.Network.DEMO ? demo() : resNet20());
    Optimizer sgd =
        Optimizer.sgd()
            .setLearningRateTracker(Tracker.fixed(NetworkBenchmark.RATE))
            .optMomentum(NetworkBenchmark.MOMENTUM)
            .build();
    Trainer trainer =
        model.newTrainer(
            new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(sgd));
    trainer.initialize(shape);
    return (pixels, labels) -> step(trainer, shape, pixels, labels);
  }

  private static void step(Trainer trainer, Shape shape, float[] pixels, int... labels) {
    try (NDManager manager = trainer.getManager().newSubManager()) {
      NDArray x = manager.create(pixels, shape);
      NDArray y = manager.create(labels);
      try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
        NDList scores = trainer.forward(new NDList(x));
        scores.attach(manager);
        NDArray loss = trainer.getLoss().evaluate(new NDList(y), scores);
        loss.attach(manager);
        collector.backward(loss);
      }
      trainer.step();
    }
  }

  private static Block conv(int channels, int stride) {
    return Conv2d.builder()
        .setKernelShape(new Shape(3, 3))
        .optPadding(new Shape(1, 1))
        .optStride(new Shape(stride, stride))
        .optBias(false)
        .setFilters(channels)
        .build();
  }

  private static SequentialBlock demo() {
    SequentialBlock block = new SequentialBlock();
    for (int channels : new int[] {16, 32, 64}) {
      block
          .add(conv(channels, 1))
          .add(BatchNorm.builder().build())
          .add(Activation::relu)
          .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
    }
    return scores(block);
  }

  private static SequentialBlock scores(SequentialBlock block) {
    return block
        .add(Blocks.batchFlattenBlock())
        .add(Linear.builder().setUnits(NetworkBenchmark.CLASSES).build());
  }

  private static SequentialBlock resNet20() {
    SequentialBlock block = new SequentialBlock();
    block.add(conv(16, 1)).add(BatchNorm.builder().build()).add(Activation::relu);
    int in = 16;
    for (int channels : new int[] {16, 32, 64}) {
      for (int i = 0; i < 3; i++) {
        block.add(residual(channels, channels == in ? 1 : 2));
        in = channels;
      }
    }
    return scores(block.add(Pool.globalAvgPool2dBlock()));
  }

  private static Block residual(int channels, int stride) {
    SequentialBlock main =
        new SequentialBlock()
            .add(conv(channels, stride))
            .add(BatchNorm.builder().build())
            .add(Activation::relu)
            .add(conv(channels, 1))
            .add(BatchNorm.builder().build());
    Block shortcut =
        stride == 1 ? Blocks.identityBlock() : new LambdaBlock(DjlNetworks::halved, "shortcut");
    return new ParallelBlock(
        both ->
            new NDList(
                Activation.relu(
                    both.get(0).singletonOrThrow().add(both.get(1).singletonOrThrow()))),
        List.of(main, shortcut));
  }

  /** Every second line and column, and as many channels again that are zero. */
  private static NDList halved(NDList x) {
    NDArray small = x.singletonOrThrow().get(":, :, ::2, ::2");
    return new NDList(NDArrays.concat(new NDList(small, small.zerosLike()), 1));
  }
}
