package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Convolution;
import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;

/** The gradient of {@link Conv} for x: filters^T grad, added back as patches. */
final class ConvInputGradient extends Operation {
  private final Convolution shape;

  private ConvInputGradient(Tensor grad, Tensor filters, Convolution shape) {
    super(grad, filters);
    this.shape = shape;
  }

  static Tensor of(Tensor grad, Tensor filters, Convolution shape) {
    return new ConvInputGradient(grad, filters, shape).apply();
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return shape.attributes(1);
  }

  @Override
  protected Tensor forward() {
    Storage result = Storage.uninitialized(input(0).dtype(), Shapes.size(shape.xShape()));
    ArrayKernels.current().convolveInput(shape, input(0).storage(), input(1).storage(), result);
    return Tensor.constant(result, shape.xShape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return input == 0
        ? Conv.of(grad, input(1), shape)
        : ConvFilterGradient.of(grad, input(0), shape);
  }
}
