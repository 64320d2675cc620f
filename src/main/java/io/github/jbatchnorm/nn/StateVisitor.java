package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Is shown a model's state, piece by piece, under PyTorch's names. A tensor or count that a model
 * has in several places is shown under several names.
 */
public interface StateVisitor {
  /**
   * Is shown a tensor that an optimizer changes.
   *
   * @param name what it is called
   * @param parameter the tensor
   */
  void parameter(String name, Tensor parameter);

  /**
   * Is shown a constant that the model itself changes.
   *
   * @param name what it is called
   * @param statistic the tensor
   */
  void statistic(String name, Tensor statistic);

  /**
   * Is shown a count that the model itself changes.
   *
   * @param name what it is called
   * @param count the count
   */
  void count(String name, AtomicLong count);

  /**
   * Is shown a batch norm, before its state; ignores it by default.
   *
   * @param name what the names of its state begin with: empty, or with a dot at the end
   * @param layer the layer
   */
  default void batchNorm(String name, BatchNorm layer) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(layer, "layer");
  }

  /**
   * {@return a visitor that is shown the same under names that begin with {@code prefix}}
   *
   * @param prefix what all names begin with
   */
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
      public void count(String name, AtomicLong count) {
        outer.count(prefix + name, count);
      }

      @Override
      public void batchNorm(String name, BatchNorm layer) {
        outer.batchNorm(prefix + name, layer);
      }
    };
  }
}
