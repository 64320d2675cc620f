package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.Storage;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The mean and the biased variance of each channel, of shape (C) and the parameters' dtype, through
 * which gradients flow to x: dx = dMean / M, and dx = dVar 2 (x - mean) / M.
 *
 * @param mean sum(x) / M
 * @param var sum((x - mean)^2) / M
 */
public record ChannelMoments(Tensor mean, Tensor var) {
  /**
   * Refuses null.
   *
   * @param mean as the record has it
   * @param var as the record has it
   */
  public ChannelMoments {
    Objects.requireNonNull(mean, "mean");
    Objects.requireNonNull(var, "var");
  }

  /**
   * Computes them in one pass over x.
   *
   * @param x batch, shape (N, C, ...), or (N, ..., C) with {@link Layout#NHWC}
   * @param layout where the channels are
   * @return mean and variance, each of shape (C)
   * @throws IllegalArgumentException if x has fewer than two axes
   */
  public static ChannelMoments of(Tensor x, Layout layout) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(layout, "layout");
    BatchNormInputs inputs = new BatchNormInputs(x, layout, null);
    ChannelMoments found = constants(inputs);
    Tensor means = new Moment(x, inputs.shape(), found.mean.storage(), null).apply();
    Tensor vars = new Moment(x, inputs.shape(), found.var.storage(), means).apply();
    return new ChannelMoments(means, vars);
  }

  static ChannelMoments constants(BatchNormInputs inputs) {
    BatchNormShape shape = inputs.shape();
    Storage mean = Storage.allocate(shape.dtype().parameters(), shape.c());
    Storage var = Storage.allocate(shape.dtype().parameters(), shape.c());
    Storage x = inputs.tensors()[0].storage();
    Kernels.current()
        .forward(
            new ForwardArguments(shape, inputs.options(), x)
                .weights(inputs.weights())
                .mean(mean)
                .var(var));
    return new ChannelMoments(Tensor.constant(mean, shape.c()), Tensor.constant(var, shape.c()));
  }

  /** One of the two; {@code means} is null for the mean itself. */
  private static final class Moment extends Operation {
    private final BatchNormShape shape;
    private final Storage values;

    Moment(Tensor x, BatchNormShape shape, Storage values, @Nullable Tensor means) {
      super(means == null ? new Tensor[] {x} : new Tensor[] {x, means});
      this.shape = shape;
      this.values = values;
    }

    @Override
    public String name() {
      return inputs().size() == 1 ? "ChannelMean" : "ChannelVar";
    }

    @Override
    protected boolean leavesTemporaries() {
      return true;
    }

    @Override
    protected Tensor forward() {
      return Tensor.constant(values, shape.c());
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor x = input(0);
      if (input == 1) {
        // The variance does not change with the mean that it is taken around: sum(x - mean) = 0.
        return Tensor.zeros(grad.dtype(), shape.c()).asConstant();
      }
      int[] channels = BatchNormComposition.broadcastShape(shape, x.ndim());
      Tensor each = grad.divide((double) shape.m()).reshape(channels);
      return inputs().size() == 1
          ? each.broadcastTo(x.shape())
          : x.subtract(input(1).reshape(channels)).multiply(each).multiply(2);
    }
  }
}
