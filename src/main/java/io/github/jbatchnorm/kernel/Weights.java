package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;

/**
 * The weights of the N*S positions of a channel in its statistics, and their sum W, which takes the
 * place of M: checked and added up once, for any number of calls. The memory is not copied: it is
 * not to be written while this is in use.
 */
public final class Weights {
  private final Storage values;
  private final double total;

  private Weights(Storage values, double total) {
    this.values = values;
    this.total = total;
  }

  /**
   * {@return weights in the order of the positions}
   *
   * @param values f64, N*S elements, finite and 0 or more
   * @throws IllegalArgumentException if one is not, or the dtype is another
   */
  public static Weights of(Storage values) {
    Checks.needed("weights", values);
    if (values.dtype() != DType.F64) {
      throw new IllegalArgumentException("weights: expected dtype F64, got " + values.dtype());
    }
    for (int i = 0; i < values.length(); i++) {
      double weight = values.get(i);
      if (!(weight >= 0) || Double.isInfinite(weight)) {
        throw new IllegalArgumentException(
            "weights: expected finite values of 0 or more, got %s at index %s"
                .formatted(weight, i));
      }
    }
    return new Weights(values, OrderedSums.ofWeights(values.length(), values::get));
  }

  /** {@return the weights, f64} */
  public Storage values() {
    return values;
  }

  /** {@return W, their sum} */
  public double total() {
    return total;
  }

  double get(int position) {
    return values.get(position);
  }
}
