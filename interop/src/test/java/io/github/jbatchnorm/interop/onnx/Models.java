package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Dropout;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.models.ResNet;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/** Models with something in all of their state. */
final class Models {
  private Models() {}

  static Tensor random(long seed, int... shape) {
    return Trace.random(DType.F32, seed, shape).asConstant();
  }

  /** Changes parameters and statistics to what a trained model might have. */
  static <T extends Layer> T trained(T model) {
    SplittableRandom random = new SplittableRandom(5);
    model.visit(
        new StateVisitor() {
          @Override
          public void parameter(String name, Tensor parameter) {
            if (parameter.ndim() == 1) {
              fill(
                  parameter,
                  name.endsWith("weight") ? 0.5 : -0.5,
                  name.endsWith("weight") ? 1.5 : 0.5);
            }
          }

          @Override
          public void statistic(String name, Tensor statistic) {
            fill(statistic, name.endsWith("var") ? 0.5 : -1, 2);
          }

          @Override
          public void count(String name, AtomicLong count) {}

          private void fill(Tensor tensor, double low, double high) {
            tensor.update(
                storage -> {
                  for (int i = 0; i < storage.length(); i++) {
                    storage.set(i, random.nextDouble(low, high));
                  }
                });
          }
        });
    return model;
  }

  static Sequential convolutional() {
    SplittableRandom random = new SplittableRandom(1);
    return trained(
        Sequential.builder()
            .add(
                "conv1",
                Conv.builder(3, 8, 3, 3).options(ConvOptions.DEFAULT.withPadding(1)).build(random))
            .add("bn1", BatchNorm.builder(8).options(BatchNormOptions.DEFAULT.withRelu()).build())
            .add("pool1", x -> Functions.maxPool(x, 2, 2))
            .add(
                "conv2",
                Conv.builder(8, 12, 3, 2)
                    .options(ConvOptions.DEFAULT.withStride(1, 2).withGroups(4).withDilation(2, 1))
                    .withoutBias()
                    .build(random))
            .add(
                "bn2",
                BatchNorm.builder(12).options(BatchNormOptions.DEFAULT.withEps(1e-3)).build())
            .add("leaky", x -> x.leakyRelu(0.1))
            .add("dropout", new Dropout(0.25, 1))
            .add("pool2", x -> Functions.avgPool(x, new int[] {2, 2}, new int[] {1, 2}))
            .add("flatten", x -> x.reshape(x.dim(0), -1))
            .add("fc1", new Dense(24, 10, random))
            .add("bn3", BatchNorm.builder(10).withoutScale().build())
            .add("sigmoid", Tensor::sigmoid)
            .add("fc2", new Dense(10, 5, random))
            .add("softmax", x -> Functions.softmax(x))
            .build());
  }

  static Sequential residual() {
    return trained(ResNet.create(1, 10, 3));
  }
}
