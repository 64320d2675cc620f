package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.Storage;

/**
 * One step of an optimizer for one parameter, computed in f64 for each element: with g = gradient +
 * decay parameter, and p = parameter - rate decoupled parameter,
 *
 * <ul>
 *   <li>SGD: one = first one + g; p - rate (one, or g + first one where {@code nesterov})
 *   <li>ADAM: one = first one + (1 - first) g; two = second two + (1 - second) g g; p - rate (one /
 *       correction1) / (sqrt(two / correction2) + eps)
 *   <li>RMSPROP: two = second two + (1 - second) g g; one = first one + g / (sqrt(two) + eps); p -
 *       rate one
 * </ul>
 *
 * @param rule what is done
 * @param rate the learning rate
 * @param decay weight decay that goes through the rule
 * @param decoupled weight decay beside it (AdamW)
 * @param first the momentum, or Adam's beta1
 * @param second Adam's beta2, or RMSProp's alpha
 * @param eps added to the root
 * @param correction1 Adam's 1 - beta1^step
 * @param correction2 Adam's 1 - beta2^step
 * @param nesterov whether SGD looks ahead
 */
public record Update(
    Rule rule,
    double rate,
    double decay,
    double decoupled,
    double first,
    double second,
    double eps,
    double correction1,
    double correction2,
    boolean nesterov) {
  /** The rules. */
  public enum Rule {
    /** Stochastic gradient descent; it keeps the velocity, one. */
    SGD(0),
    /** Adam; it keeps two averages. */
    ADAM(1),
    /** RMSProp; it keeps the velocity and an average. */
    RMSPROP(2);

    final int code;

    Rule(int code) {
      this.code = code;
    }
  }

  /** Computes one element; {@code state} holds one and two, and takes the new ones. */
  double apply(double parameter, double grad, double[] state) {
    double g = grad + decay * parameter;
    double p = parameter - rate * decoupled * parameter;
    double u = state[0];
    double v = state[1];
    double step;
    switch (rule) {
      case SGD -> {
        u = first * u + g;
        v = u;
        step = nesterov ? g + first * u : u;
      }
      case ADAM -> {
        u = first * u + (1 - first) * g;
        v = second * v + (1 - second) * g * g;
        step = u / correction1 / (Math.sqrt(v / correction2) + eps);
      }
      default -> {
        v = second * v + (1 - second) * g * g;
        u = first * u + g / (Math.sqrt(v) + eps);
        step = u;
      }
    }
    state[0] = u;
    state[1] = v;
    return p - rate * step;
  }

  /** Checks the storages: f32 or f64, all of one length and dtype; two is one for SGD. */
  void check(Storage parameter, Storage grad, Storage one, Storage two) {
    Products.check("parameter", parameter.dtype());
    Convolution.expect("grad", grad, parameter.length(), parameter);
    Convolution.expect("one", one, parameter.length(), parameter);
    Convolution.expect("two", two, parameter.length(), parameter);
    if (rule == Rule.SGD && one != two) {
      throw new IllegalArgumentException("two: expected one, where there is nothing else to keep");
    }
  }
}
