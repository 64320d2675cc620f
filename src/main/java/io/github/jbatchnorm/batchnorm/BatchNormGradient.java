package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.SecondArguments;
import io.github.jbatchnorm.memory.Storage;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A gradient of batch norm without a tail, as an operation of x, dy and gamma, so that it has
 * gradients itself: by the kernel, or, when these are to have gradients too, by composition.
 */
final class BatchNormGradient extends Operation {
  /** Which gradient. */
  enum Of {
    X,
    GAMMA
  }

  private final BatchNormShape shape;
  private final double eps;
  private final Storage saved;
  private final Of of;

  BatchNormGradient(
      Of of,
      BatchNormShape shape,
      double eps,
      Storage saved,
      Tensor x,
      Tensor dy,
      @Nullable Tensor gamma) {
    super(Stream.of(x, dy, gamma).filter(Objects::nonNull).toArray(Tensor[]::new));
    this.of = of;
    this.shape = shape;
    this.eps = eps;
    this.saved = saved;
  }

  private @Nullable Tensor gamma() {
    return inputs().size() > 2 ? input(2) : null;
  }

  private @Nullable Storage gammaStorage() {
    return inputs().size() > 2 ? input(2).storage() : null;
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  protected Tensor forward() {
    BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(eps);
    BackwardArguments arguments =
        new BackwardArguments(shape, options, input(0).storage(), input(1).storage(), saved)
            .gamma(gammaStorage());
    if (of == Of.X) {
      Storage dx = Storage.allocate(shape.dtype(), shape.size());
      Kernels.current().backward(arguments.dx(dx));
      return Tensor.constant(dx, input(0).shape());
    }
    Storage dGamma = Storage.allocate(shape.dtype().parameters(), shape.c());
    Kernels.current().backward(arguments.dGamma(dGamma));
    return Tensor.constant(dGamma, shape.c());
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return NoAutodiff.isRecording() ? composed(input, grad) : computed(input, grad);
  }

  private Tensor composed(int input, Tensor grad) {
    BatchNormComposition composition = new BatchNormComposition(shape, eps, 1, null);
    Tensor x = input(0);
    Tensor dy = input(1);
    return switch (input) {
      case 0 ->
          of == Of.X
              ? composition.inputGradientForInput(x, dy, gamma(), grad)
              : composition.inputGradient(x, dy, grad);
      case 1 ->
          of == Of.X
              ? composition.inputGradient(x, grad, gamma())
              : composition.gammaGradientForOutput(x, grad);
      default -> composition.inputGradientForGamma(x, dy, grad).reshape(input(input).shape());
    };
  }

  private Tensor computed(int input, Tensor grad) {
    SecondArguments arguments =
        new SecondArguments(shape, eps, input(0).storage(), input(1).storage(), saved)
            .gamma(gammaStorage());
    if (of == Of.X) {
      arguments.v(grad.storage());
    } else {
      arguments.vGamma(grad.storage());
    }
    Tensor found = input(input);
    Storage result = Storage.allocate(found.dtype(), found.size());
    switch (input) {
      case 0 -> arguments.gx(result);
      case 1 -> arguments.gdy(result);
      default -> arguments.gGamma(result);
    }
    Kernels.current().second(arguments);
    return Tensor.constant(result, found.shape());
  }
}
