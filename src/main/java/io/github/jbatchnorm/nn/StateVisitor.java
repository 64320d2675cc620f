package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Objects;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** Is shown a model's state, piece by piece, under PyTorch's names. */
public interface StateVisitor {
  /** Is shown a tensor that an optimizer changes. */
  void parameter(String name, Tensor parameter);

  /** Is shown a constant that the model itself changes. */
  void statistic(String name, Tensor statistic);

  /** Is shown a count that the model itself changes. */
  void count(String name, LongSupplier count, LongConsumer change);

  /** Returns a visitor that is shown the same under names that begin with {@code prefix}. */
  default StateVisitor within(String prefix) {
    Objects.requireNonNull(prefix, "prefix");
    StateVisitor outer = this;
    return new StateVisitor() {
      @Override
      public void parameter(String name, Tensor parameter) {
        outer.parameter(prefix + name, parameter);
      }

      @Override
      public void statistic(String name, Tensor statistic) {
        outer.statistic(prefix + name, statistic);
      }

      @Override
      public void count(String name, LongSupplier count, LongConsumer change) {
        outer.count(prefix + name, count, change);
      }
    };
  }
}
