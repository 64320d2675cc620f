package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Storage;

/**
 * The gradient of {@link Conv} for the filters: grad patches^T, summed over the samples of a group,
 * then over the groups in order.
 */
final class ConvFilterGradient extends Operation {
  private final ConvShape shape;

  private ConvFilterGradient(Tensor x, Tensor grad, ConvShape shape) {
    super(x, grad);
    this.shape = shape;
  }

  static Tensor of(Tensor x, Tensor grad, ConvShape shape) {
    return new ConvFilterGradient(x, grad, shape).apply();
  }

  @Override
  protected Tensor forward() {
    Storage x = input(0).storage();
    Storage grad = input(1).storage();
    int groups = Samples.groups(shape.n());
    int size = shape.o() * shape.patch();
    Storage parts = Storage.allocate(x.dtype(), (long) groups * size);
    Samples.run(
        shape.n(),
        (group, first, end) -> {
          Storage patches = Storage.allocate(x.dtype(), (long) shape.patch() * shape.positions());
          for (int sample = first; sample < end; sample++) {
            shape.patches(x, sample, patches);
            Blas.multiply(
                new Blas.Matrix(
                    grad, sample * shape.outSample(), shape.o(), shape.positions(), false),
                new Blas.Matrix(patches, shape.patch(), shape.positions()).transpose(),
                1,
                new Blas.Matrix(parts, group * size, shape.o(), shape.patch(), false));
          }
        });
    return Tensor.constant(parts, groups, size).sum(0).reshape(shape.filterShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0
        ? ConvInputGradient.of(input(1), grad, shape)
        : Conv.of(input(0), grad, shape);
  }
}
