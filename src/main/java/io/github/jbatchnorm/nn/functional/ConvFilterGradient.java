package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Convolution;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;

/** The gradient of {@link Conv} for the filters: grad patches^T, summed over the samples. */
final class ConvFilterGradient extends Operation {
  private final Convolution shape;

  private ConvFilterGradient(Tensor x, Tensor grad, Convolution shape) {
    super(x, grad);
    this.shape = shape;
  }

  static Tensor of(Tensor x, Tensor grad, Convolution shape) {
    return new ConvFilterGradient(x, grad, shape).apply();
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  protected Tensor forward() {
    Storage result = Storage.uninitialized(input(0).dtype(), Shapes.size(shape.filterShape()));
    ArrayKernels.current().convolveFilters(shape, input(0).storage(), input(1).storage(), result);
    return Tensor.constant(result, shape.filterShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0
        ? ConvInputGradient.of(input(1), grad, shape)
        : Conv.of(input(0), grad, shape);
  }
}
