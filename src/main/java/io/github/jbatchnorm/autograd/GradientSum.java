package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.Strided;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Objects;
import java.util.Set;

/**
 * The sum of the gradients of several backward passes, for a step with a batch that does not fit in
 * memory at once. Each backward sets {@link Tensor#grad()} anew, so:
 *
 * <pre>{@code
 * GradientSum sum = new GradientSum(model.parameters().values());
 * for (Batch part : parts) {
 *   MemoryScope.run(() -> {
 *     loss(model, part).backward(1.0 / parts.size());
 *     sum.add();
 *   });
 * }
 * sum.give();
 * optimizer.step();
 * }</pre>
 *
 * <p>With a loss that is a mean, and parts of one size, that is the gradient of the whole batch;
 * but a batch norm has the statistics of each part. Sums are f64 and outlive the {@link
 * MemoryScope} in which they grow. Used by one thread at a time.
 */
public final class GradientSum {
  private final IdentityHashMap<Tensor, Storage> sums = new IdentityHashMap<>();
  private final Set<Tensor> added = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Makes a sum of 0.
   *
   * @param parameters whose gradients are summed, as {@code model.parameters().values()}; one that
   *     is there twice counts once
   */
  public GradientSum(Collection<Tensor> parameters) {
    Objects.requireNonNull(parameters, "parameters");
    for (Tensor parameter : parameters) {
      Objects.requireNonNull(parameter, "parameters: an element");
      sums.computeIfAbsent(
          parameter, p -> MemoryScope.outside(() -> Storage.allocate(DType.F64, p.size())));
    }
  }

  /** Adds the gradients that the parameters have now; nothing for one that has none. */
  public void add() {
    sums.forEach(
        (parameter, sum) -> {
          Tensor grad = parameter.grad();
          if (grad != null) {
            boolean first = added.add(parameter);
            zip(first ? ArrayFunction.COPY : ArrayFunction.ADD, grad.storage(), sum, sum);
          }
        });
  }

  /**
   * Makes the sums, rounded once to each parameter's dtype, the parameters' gradients, until the
   * next backward, and begins at 0 again. A parameter for which nothing was added has no gradient
   * then.
   */
  public void give() {
    sums.forEach(
        (parameter, sum) -> {
          if (added.contains(parameter)) {
            Storage rounded = Storage.uninitialized(parameter.dtype(), sum.length());
            zip(ArrayFunction.COPY, sum, sum, rounded);
            Tape.give(parameter.node(), Tensor.constant(rounded, parameter.shape()));
          } else {
            parameter.nullGrad();
          }
        });
    forget();
  }

  /** Begins at 0 again: for a part whose gradients were not finite. */
  public void forget() {
    added.clear();
  }

  private static void zip(ArrayFunction function, Storage a, Storage b, Storage y) {
    int[] shape = {a.length()};
    ArrayKernels.current()
        .zip(function, 0, 0, shape, Strided.of(a, 0, 1), Strided.of(b, 0, 1), Strided.of(y, 0, 1));
  }
}
