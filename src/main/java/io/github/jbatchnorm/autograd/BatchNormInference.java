package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Storage;

/**
 * y = gamma * (x - mean) / sqrt(var + eps) + beta with given statistics, which are constants. The
 * gradients are dy gamma / sqrt(var + eps), sum(dy xHat) and sum(dy).
 */
final class BatchNormInference extends Operation {
  private final BatchNormShape shape;
  private final Tensor mean;
  private final Tensor var;
  private final double eps;
  private final int[] channels;

  BatchNormInference(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor var,
      double eps,
      BatchNormShape shape,
      int[] channels) {
    super(x, gamma, beta);
    this.shape = shape;
    this.mean = mean;
    this.var = var;
    this.eps = eps;
    this.channels = channels;
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage y = Storage.allocate(x.dtype(), x.size());
    Kernels.current()
        .infer(
            shape,
            x.storage(),
            input(1).storage(),
            input(2).storage(),
            mean.storage(),
            var.storage(),
            eps,
            y);
    return Tensor.constant(y, x.shape());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    Tensor std = var.add(eps).sqrt().reshape(channels);
    return switch (input) {
      case 0 -> grad.multiply(input(1).reshape(channels)).divide(std);
      case 1 ->
          grad.multiply(input(0).subtract(mean.reshape(channels)))
              .divide(std)
              .sumTo(channels)
              .reshape(input(1).shape());
      default -> grad.sumTo(channels).reshape(input(2).shape());
    };
  }
}
