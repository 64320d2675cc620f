package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Convolution;
import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The transposed convolution: a convolution's gradient for its input, {@link ConvInputGradient}.
 */
final class ConvTranspose {
  private ConvTranspose() {}

  /** Returns the transposed convolution; mixed dtypes promote. */
  static Tensor of(
      Tensor x, Tensor filters, @Nullable Tensor bias, ConvOptions options, int... outputPadding) {
    int dimensions = Math.max(1, x.ndim() - 2);
    int[] more = outputPadding.length == 0 ? new int[] {0} : outputPadding;
    Convolution shape =
        Convolution.transposed(
            x.shape(),
            filters.shape(),
            options.stride(dimensions),
            options.padding(dimensions),
            options.dilation(dimensions),
            options.groups(),
            ConvOptions.each(dimensions, more));
    DType dtype = DType.promote(x.dtype(), filters.dtype());
    if (bias == null) {
      return ConvInputGradient.of(x.astype(dtype), filters.astype(dtype), shape);
    }
    int out = shape.xShape()[1];
    if (bias.ndim() != 1 || bias.size() != out) {
      throw new IllegalArgumentException(
          "bias: expected shape (%s) (O), got %s".formatted(out, Shapes.text(bias.shape())));
    }
    dtype = DType.promote(dtype, bias.dtype());
    int[] broadcast = new int[x.ndim() - 1];
    Arrays.fill(broadcast, 1);
    broadcast[0] = out;
    // Of 16 bits the sum is f32's, so that it is rounded once.
    DType inner = Products.computed(dtype);
    return ConvInputGradient.of(x.astype(inner), filters.astype(inner), shape)
        .add(bias.reshape(broadcast).astype(inner))
        .astype(dtype);
  }
}
