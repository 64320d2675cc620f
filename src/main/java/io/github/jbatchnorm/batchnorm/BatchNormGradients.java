package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormInputs.Role;
import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The gradients that one backward call of the kernel finds, memory for those that are wanted. */
final class BatchNormGradients {
  private final Map<Role, Tensor> found = new EnumMap<>(Role.class);

  /**
   * Allocates memory for the gradients of the variables among the inputs.
   *
   * @param both whether the gradients of gamma and beta are wanted in any case
   */
  BatchNormGradients(BatchNormInputs roles, List<Tensor> inputs, boolean both) {
    for (int i = 0; i < inputs.size(); i++) {
      Tensor input = inputs.get(i);
      Role role = roles.role(i);
      if (!input.isConstant() && role != Role.MEAN && role != Role.VAR) {
        found.put(role, memory(input.dtype(), input.shape()));
      }
    }
    if (both) {
      BatchNormShape shape = roles.shape();
      DType parameters = shape.dtype().parameters();
      found.computeIfAbsent(Role.GAMMA, role -> memory(parameters, shape.c()));
      found.computeIfAbsent(Role.BETA, role -> memory(parameters, shape.c()));
    }
  }

  private static Tensor memory(DType dtype, int... shape) {
    return Tensor.constant(Storage.uninitialized(dtype, Shapes.size(shape)), shape);
  }

  Tensor of(Role role) {
    Tensor tensor = found.get(role);
    if (tensor == null) {
      throw new IllegalStateException("no gradient was computed for " + role);
    }
    return tensor;
  }

  boolean has(Role role) {
    return found.containsKey(role);
  }

  /** Sets slice {@code group} of {@code groups} of dx and dz, and all of dGamma and dBeta. */
  BackwardArguments into(BackwardArguments arguments, int group, int groups) {
    return arguments
        .dx(slice(Role.X, group, groups))
        .dz(slice(Role.Z, group, groups))
        .dGamma(storage(Role.GAMMA))
        .dBeta(storage(Role.BETA));
  }

  private @Nullable Storage storage(Role role) {
    return has(role) ? of(role).storage() : null;
  }

  private @Nullable Storage slice(Role role, int group, int groups) {
    return has(role) ? BatchNormOp.slice(of(role).storage(), group, groups) : null;
  }
}
