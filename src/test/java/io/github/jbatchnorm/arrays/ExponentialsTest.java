package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** exp, log and their kin against decimals of 60 digits, in units of the last place. */
@Tag("machine")
class ExponentialsTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final BigDecimal ONE = BigDecimal.ONE;
  private static final BigDecimal TWO = BigDecimal.valueOf(2);
  private static final int HALVINGS = 20;

  private static BigDecimal exp(BigDecimal x) {
    BigDecimal small = x.divide(BigDecimal.valueOf(1L << HALVINGS), new MathContext(80));
    BigDecimal sum = ONE;
    BigDecimal term = ONE;
    for (int i = 1; i < 30; i++) {
      term = term.multiply(small).divide(BigDecimal.valueOf(i), new MathContext(80));
      sum = sum.add(term);
    }
    for (int i = 0; i < HALVINGS; i++) {
      sum = sum.multiply(sum, new MathContext(80));
    }
    return sum;
  }

  /** Halley's steps, each of which triples the digits. */
  private static BigDecimal log(BigDecimal x) {
    BigDecimal y = new BigDecimal(Math.log(x.doubleValue()));
    for (int i = 0; i < 2; i++) {
      BigDecimal e = exp(y);
      y = y.add(x.subtract(e).multiply(TWO).divide(x.add(e), DIGITS));
    }
    return y;
  }

  private static BigDecimal tanh(BigDecimal x) {
    BigDecimal e = exp(x.multiply(TWO));
    return e.subtract(ONE).divide(e.add(ONE), DIGITS);
  }

  private static BigDecimal sigmoid(BigDecimal x) {
    return ONE.divide(ONE.add(exp(x.negate())), DIGITS);
  }

  private static Arguments function(
      String name,
      DoubleUnaryOperator f,
      UnaryOperator<BigDecimal> exact,
      double units,
      double... ranges) {
    return Arguments.of(name, f, exact, units, ranges);
  }

  static Stream<Arguments> functions() {
    return Stream.of(
        function("exp", Exponentials::exp, ExponentialsTest::exp, 1, -700, 700, -1, 1),
        function(
            "expm1",
            Exponentials::expm1,
            x -> exp(x).subtract(ONE),
            1.25,
            -40,
            700,
            -1,
            1,
            0.3,
            0.8,
            -1e-6,
            1e-6),
        function("log", Exponentials::log, ExponentialsTest::log, 1, 0, 1e9, 0, 2, 0.9, 1.1),
        function(
            "log1p", Exponentials::log1p, x -> log(x.add(ONE)), 1, -0.9, 3, -0.4, 0.5, -1e-6, 1e-6),
        function("tanh", Exponentials::tanh, ExponentialsTest::tanh, 2.5, -4, 4, -1e-3, 1e-3),
        function("sigmoid", Exponentials::sigmoid, ExponentialsTest::sigmoid, 2.5, -30, 30));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("functions")
  void errorIsWithinUnitsOfTheLastPlace(
      String name,
      DoubleUnaryOperator f,
      UnaryOperator<BigDecimal> exact,
      double units,
      double[] ranges) {
    SplittableRandom random = new SplittableRandom(name.hashCode());
    for (int range = 0; range < ranges.length; range += 2) {
      for (int i = 0; i < 400; i++) {
        double x = random.nextDouble(ranges[range], ranges[range + 1]);
        BigDecimal expected = exact.apply(new BigDecimal(x));
        double found = f.applyAsDouble(x);
        double error = new BigDecimal(found).subtract(expected).abs().doubleValue();
        assertThat(error / Math.ulp(expected.doubleValue()))
            .as("%s(%s) = %s", name, x, found)
            .isLessThanOrEqualTo(units);
        assertThat((float) found).as("%s(%s) as f32", name, x).isEqualTo(expected.floatValue());
      }
    }
  }

  @Test
  void endsAreThoseOfJava() {
    double[] ends = {
      0.0,
      -0.0,
      Double.NaN,
      Double.POSITIVE_INFINITY,
      Double.NEGATIVE_INFINITY,
      -1,
      -2,
      Double.MIN_VALUE,
      -Double.MIN_VALUE,
      Double.MAX_VALUE,
      -Double.MAX_VALUE,
      710,
      -746,
      1e-310
    };
    for (double x : ends) {
      assertThat(Exponentials.exp(x)).isCloseTo(Math.exp(x), ulps(Math.exp(x)));
      assertThat(Exponentials.expm1(x)).isCloseTo(Math.expm1(x), ulps(Math.expm1(x)));
      assertThat(Exponentials.log(x)).isCloseTo(Math.log(x), ulps(Math.log(x)));
      assertThat(Exponentials.log1p(x)).isCloseTo(Math.log1p(x), ulps(Math.log1p(x)));
      assertThat(Exponentials.tanh(x)).isCloseTo(Math.tanh(x), ulps(Math.tanh(x)));
    }
    assertThat(1 / Exponentials.expm1(-0.0)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(1 / Exponentials.log1p(-0.0)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(1 / Exponentials.tanh(-0.0)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(Exponentials.exp(-745)).isEqualTo(Double.MIN_VALUE);
    assertThat(Exponentials.exp(709.78)).isEqualTo(Math.exp(709.78));
    assertThat(Exponentials.sigmoid(-1000)).isEqualTo(0);
    assertThat(Exponentials.sigmoid(1000)).isEqualTo(1);
  }

  private static org.assertj.core.data.Offset<Double> ulps(double value) {
    return org.assertj.core.data.Offset.offset(Double.isFinite(value) ? 2 * Math.ulp(value) : 0.0);
  }
}
