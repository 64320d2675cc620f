package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * y = tail(gamma (x - mean) / sqrt(var + eps) + beta + z) with given statistics. With g = dy times
 * the tail's derivative: dx = gamma / sqrt(var + eps) g, dz = g, dBeta = sum(g), dGamma = sum(g
 * xHat), and for statistics that are variables dMean = -gamma / sqrt(var + eps) dBeta, dVar =
 * -gamma / (2 (var + eps)) dGamma.
 */
final class BatchNormGiven extends Operation {
  private final BatchNormInputs in;
  private final Storage saved;

  BatchNormGiven(BatchNormInputs inputs) {
    super(inputs.tensors());
    this.in = inputs;
    this.saved =
        Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * inputs.shape().c());
  }

  @Override
  public String name() {
    return "BatchNorm";
  }

  private @Nullable Storage storage(BatchNormInputs.Role role) {
    int at = in.index(role);
    return at < 0 ? null : input(at).storage();
  }

  private Tensor tensor(BatchNormInputs.Role role) {
    return input(in.index(role));
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return in.attributes(1);
  }

  @Override
  protected Tensor forward() {
    BatchNormShape shape = in.shape();
    Storage y = Storage.allocate(shape.dtype(), shape.size());
    Kernels.current()
        .forward(
            new ForwardArguments(shape, in.options(), input(0).storage())
                .z(storage(BatchNormInputs.Role.Z))
                .gamma(storage(BatchNormInputs.Role.GAMMA))
                .beta(storage(BatchNormInputs.Role.BETA))
                .given(
                    tensor(BatchNormInputs.Role.MEAN).storage(),
                    tensor(BatchNormInputs.Role.VAR).storage())
                .weights(in.weights())
                .y(y)
                .saved(saved));
    return Tensor.constant(y, input(0).shape());
  }

  @Override
  protected @Nullable Tensor[] backward(Tensor grad) {
    if (NoAutodiff.isRecording()) {
      return gradients(input -> composed(in.role(input), grad).reshape(input(input).shape()));
    }
    BatchNormGradients found = compute(grad);
    return gradients(input -> gradient(input, found));
  }

  private Tensor gradient(int input, BatchNormGradients gradients) {
    return switch (in.role(input)) {
      case X, GAMMA, BETA, Z -> gradients.of(in.role(input));
      case MEAN ->
          scale()
              .multiply(gradients.of(BatchNormInputs.Role.BETA).reshape(-1))
              .negate()
              .reshape(input(input).shape());
      case VAR ->
          scale()
              .multiply(gradients.of(BatchNormInputs.Role.GAMMA).reshape(-1))
              .divide(std())
              .multiply(-0.5)
              .reshape(input(input).shape());
    };
  }

  private Tensor std() {
    return perChannel(BatchNormInputs.Role.VAR).add(in.options().eps()).sqrt();
  }

  /** gamma / sqrt(var + eps), of C elements. */
  private Tensor scale() {
    Tensor std = std();
    return in.index(BatchNormInputs.Role.GAMMA) < 0
        ? std.reciprocal()
        : perChannel(BatchNormInputs.Role.GAMMA).divide(std);
  }

  private Tensor perChannel(BatchNormInputs.Role role) {
    return tensor(role).reshape(-1).astype(DType.F64);
  }

  private BatchNormGradients compute(Tensor grad) {
    BatchNormGradients found = new BatchNormGradients(in, inputs(), true);
    BackwardArguments arguments =
        new BackwardArguments(in.shape(), in.options(), input(0).storage(), grad.storage(), saved)
            .given()
            .gamma(storage(BatchNormInputs.Role.GAMMA))
            .beta(storage(BatchNormInputs.Role.BETA))
            .weights(in.weights());
    if (in.index(BatchNormInputs.Role.Z) >= 0 && in.options().hasTail()) {
      arguments.y(output().storage());
    }
    Kernels.current().backward(found.into(arguments, 0, 1));
    return found;
  }

  /** Any gradient in elementary operations, in f64: the tape rounds it once. */
  private Tensor composed(BatchNormInputs.Role role, Tensor grad) {
    BatchNormOptions options = in.options();
    Tensor g =
        counted(BatchNormComposition.bendGradient(grad, output().asConstant(), options.slope()));
    int[] channels = BatchNormComposition.broadcastShape(in.shape(), input(0).ndim());
    return switch (role) {
      case X -> counted(g.multiply(scale().reshape(channels)));
      case Z -> g;
      case BETA -> g.sumTo(channels);
      case GAMMA -> xHatSum(g, channels);
      case MEAN -> g.sumTo(channels).reshape(-1).multiply(scale()).negate();
      case VAR -> xHatSum(g, channels).reshape(-1).multiply(scale()).divide(std()).multiply(-0.5);
    };
  }

  /** Returns the data in f64, 0 at what does not count, whatever is there. */
  private Tensor counted(Tensor data) {
    Tensor wide = data.astype(DType.F64);
    return in.weights() == null
        ? wide
        : Tensors.where(in.weightsLike(wide), wide, Tensors.zeros(DType.F64).asConstant());
  }

  private Tensor xHatSum(Tensor g, int... channels) {
    Tensor mean = perChannel(BatchNormInputs.Role.MEAN).reshape(channels);
    Tensor centred = counted(input(0)).subtract(mean);
    return g.multiply(centred.divide(std().reshape(channels))).sumTo(channels);
  }
}
