package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Convolution;
import io.github.jbatchnorm.arrays.ConvolutionArguments;
import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Cross-correlation of one to three dimensions, of more by {@link Windows}, y = bend(x * filters +
 * bias). Without the bend it is linear in x and in the filters, so its gradients, {@link
 * ConvInputGradient} and {@link ConvFilterGradient}, have gradients that are these three again.
 */
final class Conv extends Operation {
  private final Convolution shape;
  private final double slope;

  private Conv(Convolution shape, double slope, Tensor... inputs) {
    super(inputs);
    this.shape = shape;
    this.slope = slope;
  }

  /** Returns the convolution; mixed dtypes promote. */
  static Tensor of(
      Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options, double slope) {
    DType dtype = DType.promote(x.dtype(), filters.dtype());
    dtype = bias == null ? dtype : DType.promote(dtype, bias.dtype());
    int dimensions = Math.max(1, x.ndim() - 2);
    if (dimensions > Windows.KERNEL_DIMENSIONS) {
      DType inner = Products.computed(dtype);
      Tensor wide = bias == null ? null : bias.astype(inner);
      Tensor y = Windows.conv(x.astype(inner), filters.astype(inner), wide, options);
      return (slope == 1 ? y : y.leakyRelu(slope)).astype(dtype);
    }
    Convolution shape =
        Convolution.of(
            x.shape(),
            filters.shape(),
            options.stride(dimensions),
            options.padding(dimensions),
            options.dilation(dimensions),
            options.groups());
    if (bias == null) {
      return new Conv(shape, slope, x.astype(dtype), filters.astype(dtype)).apply();
    }
    checkBias(filters, bias);
    return new Conv(shape, slope, x.astype(dtype), filters.astype(dtype), bias.astype(dtype))
        .apply();
  }

  static void checkBias(Tensor filters, Tensor bias) {
    if (bias.ndim() != 1 || bias.size() != filters.dim(0)) {
      throw new IllegalArgumentException(
          "bias: expected shape (%s) (O), got %s"
              .formatted(filters.dim(0), Shapes.text(bias.shape())));
    }
  }

  static Tensor of(Tensor x, Tensor filters, Convolution shape) {
    return new Conv(shape, 1, x, filters).apply();
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return shape.attributes(slope);
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage y = Storage.uninitialized(x.dtype(), Shapes.size(shape.outShape()));
    Storage bias = inputs().size() > 2 ? input(2).storage() : null;
    ArrayKernels.current()
        .convolve(shape, new ConvolutionArguments(x.storage(), input(1).storage(), bias, slope, y));
    return Tensor.constant(y, shape.outShape());
  }

  @Override
  protected @Nullable Tensor[] backward(Tensor grad) {
    Tensor g = slope == 1 ? grad : grad.leakyReluGradient(output(), slope);
    return gradients(input -> gradient(input, g));
  }

  private Tensor gradient(int input, Tensor g) {
    return switch (input) {
      case 0 -> ConvInputGradient.of(g, input(1), shape);
      case 1 -> ConvFilterGradient.of(input(0), g, shape);
      default -> {
        int[] others = IntStream.range(0, g.ndim()).filter(axis -> axis != 1).toArray();
        yield g.sum(others).reshape(input(2).shape());
      }
    };
  }
}
