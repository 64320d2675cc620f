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
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;

/** The norm of gradients that tensors hold, and gradients that are no larger than wanted. */
final class GradientClipping {
  /** With this exponent or a larger one, a power of two and its inverse are finite. */
  private static final int LEAST_EXPONENT = -1000;

  private GradientClipping() {}

  /** Returns the tensors that have a gradient with elements, each once. */
  static List<Tensor> holders(Collection<Tensor> parameters) {
    Objects.requireNonNull(parameters, "parameters");
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    return parameters.stream()
        .filter(p -> Objects.requireNonNull(p, "parameters: an element").grad() != null)
        .filter(p -> p.size() > 0 && seen.add(p))
        .toList();
  }

  private static Tensor grad(Tensor holder) {
    return Objects.requireNonNull(holder.grad());
  }

  /** Returns the norm; the squares are of elements divided by a power of two near the largest. */
  static double norm(List<Tensor> holders) {
    double largest = 0;
    for (Tensor holder : holders) {
      largest = Math.max(largest, number(holder, grad -> grad.abs().max()));
    }
    if (largest == 0 || !Double.isFinite(largest)) {
      return largest;
    }
    int exponent = Math.max(Math.getExponent(largest), LEAST_EXPONENT);
    double scale = Math.scalb(1.0, -exponent);
    double sum = 0;
    for (Tensor holder : holders) {
      sum += number(holder, grad -> grad.multiply(scale).square().sum());
    }
    return Math.sqrt(sum) / scale;
  }

  private static double number(Tensor holder, UnaryOperator<Tensor> computed) {
    double[] found = new double[1];
    MemoryScope.run(
        () ->
            found[0] =
                NoAutodiff.call(() -> computed.apply(grad(holder).astype(DType.F64)).item()));
    return found[0];
  }

  static double clipNorm(Collection<Tensor> parameters, double maxNorm) {
    checkPositive("maxNorm", maxNorm);
    List<Tensor> holders = holders(parameters);
    double norm = norm(holders);
    if (norm > maxNorm && Double.isFinite(norm)) {
      holders.forEach(holder -> Tape.give(holder.node(), scaled(grad(holder), maxNorm / norm)));
    }
    return norm;
  }

  private static Tensor scaled(Tensor grad, double factor) {
    Storage factors = Storage.allocate(DType.F64, 1);
    factors.set(0, factor);
    Storage product = Storage.uninitialized(grad.dtype(), grad.size());
    int[] shape = {grad.size()};
    ArrayKernels.current()
        .zip(
            ArrayFunction.MULTIPLY,
            0,
            0,
            shape,
            Strided.of(grad.storage(), 0, 1),
            Strided.of(factors, 0, 0),
            Strided.of(product, 0, 1));
    return Tensor.constant(product, grad.shape());
  }

  static void clipValue(Collection<Tensor> parameters, double limit) {
    checkPositive("limit", limit);
    for (Tensor holder : holders(parameters)) {
      Tape.give(holder.node(), NoAutodiff.call(() -> grad(holder).clip(-limit, limit)));
    }
  }

  static boolean unscale(Collection<Tensor> parameters, double scale) {
    checkPositive("scale", scale);
    List<Tensor> holders = holders(parameters);
    for (Tensor holder : holders) {
      if (!Double.isFinite(largest(holder))) {
        return false;
      }
    }
    holders.forEach(
        holder -> {
          Tensor grad = grad(holder);
          DType dtype = grad.dtype();
          Tensor wide = NoAutodiff.call(() -> grad.astype(dtype.parameters()).divide(scale));
          Tape.give(holder.node(), NoAutodiff.call(() -> wide.astype(dtype)));
        });
    return true;
  }

  /** Returns the largest size of an element of a gradient; NaN if one is. */
  private static double largest(Tensor holder) {
    double[] found = new double[1];
    MemoryScope.run(() -> found[0] = NoAutodiff.call(() -> grad(holder).abs().max().item()));
    return found[0];
  }

  private static void checkPositive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "%s: expected a finite value of more than 0, got %s".formatted(name, value));
    }
  }
}
