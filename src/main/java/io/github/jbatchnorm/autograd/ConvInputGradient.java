package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Storage;

/** The gradient of {@link Conv} for x: filters^T grad for each sample, added back as patches. */
final class ConvInputGradient extends Operation {
  private final ConvShape shape;

  private ConvInputGradient(Tensor grad, Tensor filters, ConvShape shape) {
    super(grad, filters);
    this.shape = shape;
  }

  static Tensor of(Tensor grad, Tensor filters, ConvShape shape) {
    return new ConvInputGradient(grad, filters, shape).apply();
  }

  @Override
  protected Tensor forward() {
    Storage grad = input(0).storage();
    Storage result = Storage.allocate(grad.dtype(), Shapes.size(shape.xShape()));
    Blas.Matrix filters = new Blas.Matrix(input(1).storage(), shape.o(), shape.patch());
    Samples.run(
        shape.n(),
        (group, first, end) -> {
          Storage patches =
              Storage.allocate(grad.dtype(), (long) shape.patch() * shape.positions());
          for (int sample = first; sample < end; sample++) {
            Blas.multiply(
                filters.transpose(),
                new Blas.Matrix(
                    grad, sample * shape.outSample(), shape.o(), shape.positions(), false),
                0,
                new Blas.Matrix(patches, shape.patch(), shape.positions()));
            shape.scatter(patches, result, sample);
          }
        });
    return Tensor.constant(result, shape.xShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0
        ? Conv.of(grad, input(1), shape)
        : ConvFilterGradient.of(grad, input(0), shape);
  }
}
