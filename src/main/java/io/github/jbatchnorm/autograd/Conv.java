package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Storage;

/**
 * Two-dimensional cross-correlation, y = filters x patches for each sample. It is linear in x and
 * in the filters, so its gradients, {@link ConvInputGradient} and {@link ConvFilterGradient}, have
 * gradients that are these three again.
 */
final class Conv extends Operation {
  private final ConvShape shape;

  private Conv(Tensor x, Tensor filters, ConvShape shape) {
    super(x, filters);
    this.shape = shape;
  }

  /** Returns the convolution; mixed dtypes promote to f64. */
  static Tensor of(Tensor x, Tensor filters, int stride, int padding) {
    ConvShape shape = ConvShape.of(x.shape(), filters.shape(), stride, padding);
    DType dtype = Blas.product(x.dtype(), filters.dtype());
    return of(x.astype(dtype), filters.astype(dtype), shape);
  }

  static Tensor of(Tensor x, Tensor filters, ConvShape shape) {
    return new Conv(x, filters, shape).apply();
  }

  @Override
  protected Tensor forward() {
    Storage x = input(0).storage();
    Storage result = Storage.allocate(x.dtype(), Shapes.size(shape.outShape()));
    Blas.Matrix filters = new Blas.Matrix(input(1).storage(), shape.o(), shape.patch());
    Samples.run(
        shape.n(),
        (group, first, end) -> {
          Storage patches = Storage.allocate(x.dtype(), (long) shape.patch() * shape.positions());
          for (int sample = first; sample < end; sample++) {
            shape.patches(x, sample, patches);
            Blas.multiply(
                filters,
                new Blas.Matrix(patches, shape.patch(), shape.positions()),
                0,
                new Blas.Matrix(
                    result, sample * shape.outSample(), shape.o(), shape.positions(), false));
          }
        });
    return Tensor.constant(result, shape.outShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0
        ? ConvInputGradient.of(grad, input(1), shape)
        : ConvFilterGradient.of(input(0), grad, shape);
  }
}
