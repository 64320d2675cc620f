package io.github.jbatchnorm.kernel;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;

/**
 * One channel of everything that a call can be, from its definition, with 60 decimal digits:
 * weights in the statistics or given statistics, a sum before the tail, a tail. Second gradients
 * are differences of the first ones, which with so many digits are exact for our purpose.
 */
final class ExactChannel {
  private static final MathContext DIGITS = new MathContext(60, RoundingMode.HALF_EVEN);
  private static final BigDecimal STEP = new BigDecimal("1e-18");

  final BigDecimal[] x;
  final BigDecimal[] dy;
  final BigDecimal[] z;
  final BigDecimal[] weights;
  BigDecimal gamma;
  final BigDecimal beta;
  final BigDecimal slope;
  final BigDecimal eps;

  /** Statistics that are given; null for the batch's own. */
  BigDecimal givenMean;

  BigDecimal givenVar;

  ExactChannel(int m, double gamma, double beta, double slope, double eps) {
    x = zeros(m);
    dy = zeros(m);
    z = zeros(m);
    weights = zeros(m);
    Arrays.fill(weights, BigDecimal.ONE);
    this.gamma = new BigDecimal(gamma);
    this.beta = new BigDecimal(beta);
    this.slope = new BigDecimal(slope);
    this.eps = new BigDecimal(eps);
  }

  private static BigDecimal[] zeros(int m) {
    BigDecimal[] values = new BigDecimal[m];
    Arrays.fill(values, BigDecimal.ZERO);
    return values;
  }

  private static BigDecimal times(BigDecimal a, BigDecimal b) {
    return a.multiply(b, DIGITS);
  }

  private BigDecimal total() {
    return Arrays.stream(weights).reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  private boolean counts(int i) {
    return weights[i].signum() > 0;
  }

  BigDecimal mean() {
    if (givenMean != null) {
      return givenMean;
    }
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < x.length; i++) {
      sum = sum.add(times(weights[i], x[i]), DIGITS);
    }
    return sum.divide(total(), DIGITS);
  }

  BigDecimal var() {
    if (givenVar != null) {
      return givenVar;
    }
    BigDecimal mean = mean();
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < x.length; i++) {
      BigDecimal d = x[i].subtract(mean, DIGITS);
      sum = sum.add(times(weights[i], times(d, d)), DIGITS);
    }
    return sum.divide(total(), DIGITS);
  }

  private BigDecimal invStd() {
    return BigDecimal.ONE.divide(var().add(eps).sqrt(DIGITS), DIGITS);
  }

  private BigDecimal[] xHat() {
    BigDecimal mean = mean();
    BigDecimal invStd = invStd();
    BigDecimal[] xHat = zeros(x.length);
    for (int i = 0; i < x.length; i++) {
      xHat[i] = times(x[i].subtract(mean, DIGITS), invStd);
    }
    return xHat;
  }

  BigDecimal[] y() {
    BigDecimal[] y = zeros(x.length);
    BigDecimal[] xHat = xHat();
    for (int i = 0; i < x.length; i++) {
      BigDecimal pre = times(gamma, xHat[i]).add(beta).add(z[i]);
      y[i] = !counts(i) ? BigDecimal.ZERO : pre.signum() > 0 ? pre : times(slope, pre);
    }
    return y;
  }

  /** dy times the tail's derivative. */
  BigDecimal[] g() {
    BigDecimal[] g = zeros(x.length);
    BigDecimal[] xHat = xHat();
    for (int i = 0; i < x.length; i++) {
      BigDecimal pre = times(gamma, xHat[i]).add(beta).add(z[i]);
      g[i] = !counts(i) ? BigDecimal.ZERO : pre.signum() > 0 ? dy[i] : times(slope, dy[i]);
    }
    return g;
  }

  BigDecimal dBeta() {
    return Arrays.stream(g()).reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  BigDecimal dGamma() {
    BigDecimal[] g = g();
    BigDecimal[] xHat = xHat();
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < x.length; i++) {
      sum = sum.add(times(g[i], xHat[i]), DIGITS);
    }
    return sum;
  }

  BigDecimal[] dx() {
    BigDecimal[] g = g();
    BigDecimal[] xHat = xHat();
    BigDecimal scale = times(gamma, invStd());
    BigDecimal dyMean = dBeta().divide(total(), DIGITS);
    BigDecimal slopeOfX = dGamma().divide(total(), DIGITS);
    BigDecimal[] dx = zeros(x.length);
    for (int i = 0; i < x.length; i++) {
      BigDecimal rest = g[i];
      if (givenMean == null) {
        rest = rest.subtract(times(weights[i], dyMean.add(times(xHat[i], slopeOfX))), DIGITS);
      }
      dx[i] = counts(i) ? times(rest, scale) : BigDecimal.ZERO;
    }
    return dx;
  }

  /** The natural scale of dx: |gamma| max|dy| / sqrt(var + eps). */
  BigDecimal dxScale() {
    return times(times(gamma.abs(), largest(dy)), invStd());
  }

  /** The natural scale of dBeta: sum|dy|. */
  BigDecimal dBetaScale() {
    return Arrays.stream(dy).map(BigDecimal::abs).reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  /** The natural scale of dGamma: sum|dy xHat|. */
  BigDecimal dGammaScale() {
    BigDecimal[] xHat = xHat();
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < x.length; i++) {
      sum = sum.add(times(dy[i], xHat[i]).abs(), DIGITS);
    }
    return sum;
  }

  /** sum(v dx) + vGamma dGamma + vBeta dBeta. */
  private BigDecimal paired(BigDecimal[] v, BigDecimal vGamma, BigDecimal vBeta) {
    BigDecimal sum = times(vGamma, dGamma()).add(times(vBeta, dBeta()));
    BigDecimal[] dx = dx();
    for (int i = 0; i < x.length; i++) {
      sum = sum.add(times(v[i], dx[i]), DIGITS);
    }
    return sum;
  }

  /** The derivative of {@link #paired} by element i of an array of inputs. */
  BigDecimal second(
      BigDecimal[] inputs, int i, BigDecimal[] v, BigDecimal vGamma, BigDecimal vBeta) {
    BigDecimal before = inputs[i];
    inputs[i] = before.add(STEP);
    BigDecimal above = paired(v, vGamma, vBeta);
    inputs[i] = before.subtract(STEP);
    BigDecimal below = paired(v, vGamma, vBeta);
    inputs[i] = before;
    return above.subtract(below).divide(STEP.add(STEP), DIGITS);
  }

  /** The derivative of {@link #paired} by gamma. */
  BigDecimal secondByGamma(BigDecimal[] v, BigDecimal vGamma, BigDecimal vBeta) {
    BigDecimal before = gamma;
    gamma = before.add(STEP);
    BigDecimal above = paired(v, vGamma, vBeta);
    gamma = before.subtract(STEP);
    BigDecimal below = paired(v, vGamma, vBeta);
    gamma = before;
    return above.subtract(below).divide(STEP.add(STEP), DIGITS);
  }

  static BigDecimal largest(BigDecimal... values) {
    return Arrays.stream(values).map(BigDecimal::abs).reduce(BigDecimal.ZERO, BigDecimal::max);
  }
}
