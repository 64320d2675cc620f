package io.github.jbatchnorm.kernel;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * One channel's batch norm from its definition, with 45 decimal digits, for finite inputs: the mean
 * and variance of x, xHat = (x - mean) / sqrt(var + eps), y = gamma xHat + beta, dBeta = sum(dy),
 * dGamma = sum(dy xHat), dx = gamma / sqrt(var + eps) (dy - dBeta / M - xHat dGamma / M).
 */
final class ExactBatchNorm {
  private static final MathContext DIGITS = new MathContext(45, RoundingMode.HALF_EVEN);

  final BigDecimal mean;
  final BigDecimal var;
  final BigDecimal dGamma;
  final BigDecimal dBeta;
  private final BigDecimal[] xHat;
  private final BigDecimal[] dy;
  private final BigDecimal gamma;
  private final BigDecimal beta;
  private final BigDecimal invStd;
  private final BigDecimal meanDy;
  private final BigDecimal meanDyXHat;
  private final BigDecimal largestDy;
  private final BigDecimal largestXHat;

  ExactBatchNorm(double[] x, double[] dy, double gamma, double beta, double eps) {
    this.gamma = new BigDecimal(gamma);
    this.beta = new BigDecimal(beta);
    BigDecimal count = new BigDecimal(x.length);
    this.dy = new BigDecimal[x.length];
    this.xHat = new BigDecimal[x.length];
    BigDecimal sum = BigDecimal.ZERO;
    for (double value : x) {
      sum = sum.add(new BigDecimal(value));
    }
    mean = sum.divide(count, DIGITS);
    BigDecimal squares = BigDecimal.ZERO;
    for (int i = 0; i < x.length; i++) {
      xHat[i] = new BigDecimal(x[i]).subtract(mean, DIGITS);
      squares = squares.add(xHat[i].multiply(xHat[i], DIGITS), DIGITS);
    }
    var = squares.divide(count, DIGITS);
    BigDecimal std = var.add(new BigDecimal(eps), DIGITS).sqrt(DIGITS);
    invStd = BigDecimal.ONE.divide(std, DIGITS);
    BigDecimal gammaSum = BigDecimal.ZERO;
    BigDecimal betaSum = BigDecimal.ZERO;
    for (int i = 0; i < x.length; i++) {
      xHat[i] = xHat[i].multiply(invStd, DIGITS);
      this.dy[i] = new BigDecimal(dy[i]);
      gammaSum = gammaSum.add(this.dy[i].multiply(xHat[i], DIGITS), DIGITS);
      betaSum = betaSum.add(this.dy[i]);
    }
    dGamma = gammaSum;
    dBeta = betaSum;
    meanDy = dBeta.divide(count, DIGITS);
    meanDyXHat = dGamma.divide(count, DIGITS);
    largestDy = largest(this.dy);
    largestXHat = largest(xHat);
  }

  BigDecimal y(int i) {
    return gamma.multiply(xHat[i], DIGITS).add(beta, DIGITS);
  }

  BigDecimal dx(int i) {
    BigDecimal slope = xHat[i].multiply(meanDyXHat, DIGITS);
    BigDecimal centred = dy[i].subtract(meanDy, DIGITS).subtract(slope, DIGITS);
    return centred.multiply(gamma, DIGITS).multiply(invStd, DIGITS);
  }

  /** The natural scale of y: |gamma| max|xHat| + |beta|. */
  BigDecimal yScale() {
    return gamma.abs().multiply(largestXHat, DIGITS).add(beta.abs());
  }

  /** The scale of dx: |gamma| invStd (max|dy| + |mean dy| + max|xHat| |mean dy xHat|). */
  BigDecimal dxScale() {
    BigDecimal terms =
        largestDy.add(meanDy.abs()).add(largestXHat.multiply(meanDyXHat.abs(), DIGITS));
    return gamma.abs().multiply(terms, DIGITS).multiply(invStd, DIGITS);
  }

  /** The scale of dGamma: the larger of sum|dy| and sum|dy xHat|. */
  BigDecimal dGammaScale() {
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < dy.length; i++) {
      sum = sum.add(dy[i].multiply(xHat[i], DIGITS).abs(), DIGITS);
    }
    return sum.max(dBetaScale());
  }

  /** The natural scale of dBeta: sum|dy|. */
  BigDecimal dBetaScale() {
    BigDecimal sum = BigDecimal.ZERO;
    for (BigDecimal value : dy) {
      sum = sum.add(value.abs());
    }
    return sum;
  }

  private static BigDecimal largest(BigDecimal... values) {
    BigDecimal largest = BigDecimal.ZERO;
    for (BigDecimal value : values) {
      largest = largest.max(value.abs());
    }
    return largest;
  }

  /** Returns |found - exact| / scale; 0 where all are 0. */
  static double error(double found, BigDecimal exact, BigDecimal scale) {
    if (!Double.isFinite(found)) {
      return Double.POSITIVE_INFINITY;
    }
    BigDecimal difference = new BigDecimal(found).subtract(exact, DIGITS).abs();
    if (difference.signum() == 0) {
      return 0;
    }
    return scale.signum() == 0
        ? Double.POSITIVE_INFINITY
        : difference.divide(scale, DIGITS).doubleValue();
  }
}
