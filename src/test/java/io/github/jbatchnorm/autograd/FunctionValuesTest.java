package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Values of functions where they are known, or where a formula would lose them. */
class FunctionValuesTest {
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  private static Tensor of(double... values) {
    return Tensor.of(values);
  }

  @Test
  void logarithmsOfPowersAreExact() {
    for (int e = -1074; e < 1024; e++) {
      assertThat(of(Math.scalb(1.0, e)).log2().item()).isEqualTo(e);
    }
    assertThat(of(1, 10, 1e5, 1e22).log10().toDoubleArray()).containsExactly(0, 1, 5, 22);
    assertThat(of(-3, 0, 7, 1000, 1024, -1075).exp2().toDoubleArray())
        .containsExactly(0.125, 1, 128, 0x1p1000, INF, 0);
    assertThat(of(0, -1, INF, NAN).log2().toDoubleArray()).containsExactly(-INF, NAN, INF, NAN);
    assertThat(of(-8, -0.0, 27, -INF).cbrt().toDoubleArray()).containsExactly(-2, -0.0, 3, -INF);
    assertThat(of(1000).logaddexp2(of(1000)).item()).isEqualTo(1001, within(1e-12));
    assertThat(of(-INF).logaddexp2(of(3)).item()).isEqualTo(3, within(1e-15));
    for (double x = 0.01; x < 40; x *= 1.07) {
      assertThat(of(x).log2().item())
          .isCloseTo(Math.log(x) / Math.log(2), within(4 * Math.ulp(Math.log(x) / Math.log(2))));
    }
  }

  @Test
  void inverseFunctionsReachTheirEnds() {
    double half = Math.PI / 2;
    assertThat(of(-1, 0, 1, 2).arcsin().toDoubleArray()).containsExactly(-half, 0, half, NAN);
    assertThat(of(-1, 1, -2).arccos().toDoubleArray()).containsExactly(Math.PI, 0, NAN);
    assertThat(of(-INF, INF).arctan().toDoubleArray()).containsExactly(-half, half);
    assertThat(of(0, -0.0, INF).arccot().toDoubleArray()).containsExactly(half, half, 0);
    assertThat(of(1, -1, 0.5).arcsec().toDoubleArray()).containsExactly(0, Math.PI, NAN);
    assertThat(of(1, -1, INF).arccsc().toDoubleArray()).containsExactly(half, -half, 0);
    assertThat(of(1, -1, 0, -0.0).arctan2(of(0, -0.0, -1, -1)).toDoubleArray())
        .containsExactly(half, -half, Math.PI, -Math.PI);
    assertThat(of(1, 0.5).arccosh().toDoubleArray()).containsExactly(0, NAN);
    assertThat(of(-1, 1, 2).arctanh().toDoubleArray()).containsExactly(-INF, INF, NAN);
    assertThat(of(-0.0, INF, -INF).arcsinh().toDoubleArray()).containsExactly(-0.0, INF, -INF);
    assertThat(of(1).arcsin().dtype()).isEqualTo(DType.F64);
    Tensor x = of(1);
    x.arcsin().backward();
    assertThat(x.grad().item()).isInfinite();
  }

  /** sinh, cosh and tanh of the results, by exact series, are the arguments. */
  @Test
  void hyperbolicInversesAreAccurateEverywhere() {
    for (double x : new double[] {1e-300, 1e-12, 1e-4, 0.3, 0.99, 2, 1e5, 1e9}) {
      double y = of(x).arcsinh().item();
      assertThat(relative(sinh(y), x)).as("arcsinh %s", x).isLessThan(6e-16 * Math.max(1, y));
      assertThat(of(-x).arcsinh().item()).isEqualTo(-y);
      if (x < 1) {
        double t = of(x).arctanh().item();
        double scale = Math.max(1, 2 * t / (1 - x * x) / (x == 0 ? 1 : Math.max(x, t)));
        assertThat(relative(sinh(t).divide(cosh(t), MathContext.DECIMAL128), x))
            .as("arctanh %s", x)
            .isLessThan(8e-16 * scale);
      }
      double c = of(1 + x).arccosh().item();
      assertThat(relative(cosh(c), 1 + x))
          .as("arccosh %s", 1 + x)
          .isLessThan(6e-16 * Math.max(1, c));
    }
    assertThat(of(1e300).arcsinh().item()).isCloseTo(Math.log(1e300) + Math.log(2), within(1e-12));
    assertThat(of(1e300).arccosh().item()).isCloseTo(Math.log(1e300) + Math.log(2), within(1e-12));
  }

  private static double relative(BigDecimal found, double expected) {
    BigDecimal exact = new BigDecimal(expected);
    return found.subtract(exact).divide(exact, MathContext.DECIMAL128).abs().doubleValue();
  }

  private static BigDecimal exp(double x) {
    BigDecimal sum = BigDecimal.ONE;
    BigDecimal term = BigDecimal.ONE;
    for (int k = 1; k < 200; k++) {
      term = term.multiply(new BigDecimal(x)).divide(BigDecimal.valueOf(k), MathContext.DECIMAL128);
      sum = sum.add(term);
    }
    return sum;
  }

  private static BigDecimal sinh(double x) {
    if (x < 1e-3) {
      BigDecimal exact = new BigDecimal(x);
      return exact.add(exact.pow(3).divide(BigDecimal.valueOf(6), MathContext.DECIMAL128));
    }
    return exp(x).subtract(exp(-x)).divide(BigDecimal.valueOf(2));
  }

  private static BigDecimal cosh(double x) {
    return exp(x).add(exp(-x)).divide(BigDecimal.valueOf(2));
  }

  /** The derivatives of sin(pi x) / (pi x) at 0 are those of its series. */
  @Test
  void sincHasAllDerivativesAtZero() {
    double square = Math.PI * Math.PI;
    double[] expected = {1, 0, -square / 3, 0, square * square / 5};
    Tensor x = of(0.0);
    Tensor y = x.sinc();
    for (int order = 0; order < expected.length; order++) {
      assertThat(y.item()).as("order %d", order).isCloseTo(expected[order], within(1e-13));
      y = Gradients.of(y, x).get(0);
    }
    assertThat(of(1, -2, 0.5).sinc().toDoubleArray())
        .containsExactly(new double[] {0, 0, 2 / Math.PI}, within(1e-16));
  }

  /** The two ways to compute it agree where one takes over from the other. */
  @Test
  void sincIsSmooth() {
    for (int order = 0; order < 5; order++) {
      for (double u : new double[] {order + 1 - 1e-9, order + 1 + 1e-9}) {
        Tensor x = of(u / Math.PI);
        Tensor y = x.sinc();
        for (int i = 0; i < order; i++) {
          y = Gradients.of(y, x).get(0);
        }
        double h = 1e-3; // the mean value of cos(u t) t^n is the n-th derivative
        double sum = 0;
        for (double t = h / 2; t < 1; t += h) {
          sum += Math.pow(Math.PI * t, order) * Math.cos(u * t + order * Math.PI / 2) * h;
        }
        assertThat(y.item()).as("order %d at %s", order, u).isCloseTo(sum, within(1e-4));
      }
    }
  }

  @Test
  void functionsKeepTheDtypeAndRoundOnce() {
    Map<String, UnaryOperator<Tensor>> functions = new LinkedHashMap<>();
    functions.put("arcsin", Tensor::arcsin);
    functions.put("arccos", Tensor::arccos);
    functions.put("arctan", Tensor::arctan);
    functions.put("arccot", Tensor::arccot);
    functions.put("arcsinh", Tensor::arcsinh);
    functions.put("arctanh", Tensor::arctanh);
    functions.put("exp2", Tensor::exp2);
    functions.put("log2", Tensor::log2);
    functions.put("log10", Tensor::log10);
    functions.put("cbrt", Tensor::cbrt);
    functions.put("sinc", Tensor::sinc);
    functions.put("norm", x -> x.norm(true, 0));
    functions.put("cumprod", x -> x.cumprod(0));
    functions.put("clip", x -> x.clip(Tensors.fullLike(x, 0.3), Tensors.fullLike(x, 0.4)));
    functions.forEach(
        (name, f) -> {
          for (DType dtype : DType.values()) {
            Tensor x = of(0.2, 0.35, 0.7).astype(dtype).copy();
            Tensor y = f.apply(x);
            y.backward();
            assertThat(y.dtype()).as("%s of %s", name, dtype).isEqualTo(dtype);
            assertThat(x.grad().dtype()).isEqualTo(dtype);
            double[] wide = f.apply(of(x.toDoubleArray())).toDoubleArray();
            for (int i = 0; i < y.size() && !name.equals("cumprod"); i++) {
              assertThat(y.get(i))
                  .as(name)
                  .isEqualTo(dtype.round(dtype.parameters().round(wide[i])));
            }
          }
        });
  }

  @Test
  void clipWithTensors() {
    Tensor x = of(1, 5, 9, NAN, 3);
    Tensor low = of(2, 2, 2, 2, NAN);
    Tensor high = of(4, 4, 10, 4, 4);
    Tensor y = x.clip(low, high);
    assertThat(y.toDoubleArray()).containsExactly(2, 4, 9, NAN, NAN);
    y.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(0, 0, 1, 1, 0);
    assertThat(low.grad().toDoubleArray()).containsExactly(1, 0, 0, 0, 1);
    assertThat(high.grad().toDoubleArray()).containsExactly(0, 1, 0, 0, 0);
    assertThat(of(1, 5).clip(null, of(3)).toDoubleArray()).containsExactly(1, 3);
    assertThat(of(1, 5).clip(of(3), null).toDoubleArray()).containsExactly(3, 5);
    assertThat(of(1, 5).clip(3, INF).toDoubleArray()).containsExactly(3, 5);
    assertThat(of(1).clip(of(3), of(2)).item()).isEqualTo(2);
    assertThatThrownBy(() -> x.clip(null, null))
        .hasMessage("low, high: expected at least one, got neither");
    Tensor at = of(2);
    at.clip(of(2), of(2)).backward();
    assertThat(at.grad().item()).isEqualTo(1);
  }

  @Test
  void normsAreNumpys() {
    Tensor x = Tensor.of(new double[][] {{3, -4}, {0, 0}, {1, 0}});
    assertThat(x.norm().item()).isEqualTo(Math.sqrt(26));
    assertThat(x.norm(1).toDoubleArray()).containsExactly(5, 0, 1);
    assertThat(x.norm(true, 1).shape()).containsExactly(3, 1);
    assertThat(x.norm(1, false, 1).toDoubleArray()).containsExactly(7, 0, 1);
    assertThat(x.norm(INF, false, 1).toDoubleArray()).containsExactly(4, 0, 1);
    assertThat(x.norm(-INF, false, 1).toDoubleArray()).containsExactly(3, 0, 0);
    assertThat(x.norm(3, false, 1).toDoubleArray())
        .containsExactly(new double[] {Math.cbrt(91), 0, 1}, within(1e-15));
    assertThat(x.norm(-1, false, 1).toDoubleArray())
        .containsExactly(new double[] {12 / 7.0, 0, 0}, within(1e-15));
    assertThat(x.norm(0.5, false, 1).toDoubleArray())
        .containsExactly(new double[] {Math.pow(Math.sqrt(3) + 2, 2), 0, 1}, within(1e-14));
    for (double ord : new double[] {0, NAN}) {
      assertThatThrownBy(() -> x.norm(ord, false, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("ord: expected a number other than 0, got " + ord);
    }
    assertThatThrownBy(() -> x.norm(2)).hasMessageStartingWith("axes: expected -2 to 1, got 2");
  }

  @Test
  void gradientsOfNormsAtZeroAreZero() {
    for (double ord : new double[] {1, 2, 3, 1.5, 0.5}) {
      Tensor x = Tensor.of(new double[][] {{3, -4}, {0, 0}, {1, 0}});
      x.norm(ord, false, 1).backward();
      double[] grad = x.grad().toDoubleArray();
      assertThat(List.of(grad[2], grad[3], grad[5])).as("ord %s", ord).containsOnly(0.0);
      double norm = Math.pow(Math.pow(3, ord) + Math.pow(4, ord), 1 / ord);
      assertThat(grad[0]).isCloseTo(Math.pow(3 / norm, ord - 1), within(1e-14));
      assertThat(grad[1]).isCloseTo(-Math.pow(4 / norm, ord - 1), within(1e-14));
      assertThat(grad[4]).isEqualTo(1);
    }
  }
}
