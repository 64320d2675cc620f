package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.ArrayFunction;
import java.util.Map;

/** Functions that are bent at 0, and their gradients. */
final class Activations {
  private Activations() {}

  /** max(x, 0), NaN for NaN; the derivative is 1 where x > 0, else 0. */
  static final class Relu extends Formula {
    Relu(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.BEND, input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new BendGradient(grad, input(0), 0).apply();
    }
  }

  /** x where x > 0, else slope x; the derivative is 1 where x > 0, else the slope. */
  static final class LeakyRelu extends Formula {
    private final double slope;

    LeakyRelu(Tensor x, double slope) {
      super(x);
      this.slope = slope;
    }

    @Override
    public Map<String, Object> attributes() {
      return Map.of("slope", slope);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.BEND, input(0), slope, 0);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new BendGradient(grad, input(0), slope).apply();
    }
  }

  /** grad where x > 0, else slope grad; NaN where x is. Constant in x between steps. */
  static final class BendGradient extends Formula {
    private final double slope;

    BendGradient(Tensor grad, Tensor x, double slope) {
      super(grad, x.asConstant());
      this.slope = slope;
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.BEND_GRADIENT, slope, input(0), input(1));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new BendGradient(grad, input(1), slope).apply();
    }
  }

  /** x where x > 0, else alpha (exp(x) - 1); the derivative there is y + alpha. */
  static final class Elu extends Formula {
    private final double alpha;

    Elu(Tensor x, double alpha) {
      super(x);
      this.alpha = alpha;
    }

    @Override
    public Map<String, Object> attributes() {
      return Map.of("alpha", alpha);
    }

    @Override
    protected Tensor forward() {
      return Elementwise.of(ArrayFunction.ELU, input(0), alpha, 0);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      Tensor positive = Comparisons.positive(input(0));
      Tensor zero = Tensor.constantScalar(grad.dtype(), 0);
      Tensor below =
          new Comparisons.Select(positive, zero, output()).apply().add(alpha); // never infinite
      // The product with 1 keeps NaN.
      return new Comparisons.Select(positive, grad.multiply(positive), grad.multiply(below))
          .apply();
    }
  }
}
