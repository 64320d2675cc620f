package io.github.jbatchnorm.kernel;

/** The backward call of {@link JavaKernel}, a channel at a time. */
final class JavaBackward {
  private final BackwardArguments a;
  private final BatchNormShape shape;
  private final boolean isNarrow;
  private final double count;

  JavaBackward(BackwardArguments arguments) {
    a = arguments;
    shape = a.shape;
    isNarrow = JavaMoments.isNarrow(shape);
    count = JavaMoments.count(shape, a.weights);
  }

  void run(int c) {
    new Channel(c).run();
  }

  /**
   * One channel. Inverted, what stands for x is the output before the tail, and for its mean beta.
   */
  private final class Channel {
    private final int c;
    private final double beta;
    private final double gamma;
    private final double invStd;
    private final double centre;
    private final double centreLow;
    private final double spread;
    private final double xScale;
    private final double scale;
    private final float floatCentre;
    private final float floatScale;
    private final double forwardTerm;

    Channel(int c) {
      this.c = c;
      JavaMoments moments = JavaMoments.saved(shape, a.saved, c);
      beta = JavaKernel.valueOr(a.beta, c, 0);
      gamma = JavaKernel.valueOr(a.gamma, c, 1);
      invStd = moments.invStd(a.eps);
      centre = a.inverted ? beta : moments.mean();
      centreLow = a.inverted ? 0 : moments.meanLow();
      spread = a.inverted ? gamma * gamma : moments.var();
      xScale = moments.scale();
      scale = gamma * invStd;
      floatCentre = (float) centre;
      floatScale = (float) scale;
      forwardTerm = JavaFloats.around(beta, floatCentre, centre, centreLow, floatScale);
    }

    boolean counts(int i) {
      return a.weights == null || a.weights.get(i) > 0;
    }

    float floatIn(int at) {
      float x = (float) a.x.get(at);
      return a.inverted && a.slope != 1 ? JavaFloats.bend(x, x, (float) (1 / a.slope)) : x;
    }

    float floatG(int at) {
      float dy = (float) a.dy.get(at);
      if (a.slope == 1) {
        return dy;
      }
      float x = (float) a.x.get(at);
      float again = Math.fma(x - floatCentre, floatScale, (float) forwardTerm);
      float sign = a.inverted ? x : a.y != null ? (float) a.y.get(at) : again;
      return JavaFloats.bend(sign, dy, (float) a.slope);
    }

    /** What stands for x times its scale. */
    double doubleIn(int at) {
      double x = doubleX(at);
      return a.inverted && a.slope != 1 ? JavaFloats.bend(x, x, 1 / a.slope) : x;
    }

    private double doubleX(int at) {
      return a.inverted ? a.x.get(at) : a.x.get(at) * xScale;
    }

    double doubleG(int at) {
      double dy = a.dy.get(at);
      if (a.slope == 1) {
        return dy;
      }
      double x = doubleX(at);
      double sign =
          a.inverted ? x : a.y != null ? a.y.get(at) : ((x - centre) - centreLow) * scale + beta;
      return JavaFloats.bend(sign, dy, a.slope);
    }

    /** g of element i of a channel: as it is summed. */
    double g(int i) {
      int at = shape.offset(c, i);
      return !counts(i) ? 0 : isNarrow ? floatG(at) : doubleG(at);
    }

    double in(int i) {
      int at = shape.offset(c, i);
      return isNarrow ? floatIn(at) : doubleIn(at);
    }

    double d(int i) {
      return counts(i) ? (in(i) - centre) - centreLow : 0;
    }

    /** The sum of g * d; around 0 where products are exact, unless the mean is far from it. */
    double productSum(double dBeta) {
      if (!isNarrow || JavaMoments.isFar(centre, spread)) {
        return JavaMoments.ordered(shape).sum(i -> g(i) * d(i));
      }
      double around0 = JavaMoments.ordered(shape).sum(i -> counts(i) ? g(i) * in(i) : 0);
      return around0 - centre * dBeta;
    }

    void run() {
      double dBeta = JavaMoments.ordered(shape).sum(this::g);
      // xHat = d * factor
      double factor = a.inverted ? 1 / gamma : invStd;
      double dGamma = productSum(dBeta) * factor;
      dGamma = count > 0 ? dGamma : 0;
      if (a.dGamma != null) {
        a.dGamma.set(c, dGamma);
      }
      if (a.dBeta != null) {
        a.dBeta.set(c, dBeta);
      }
      map(-(scale * (dGamma / count * factor)), -(scale * (dBeta / count)));
    }

    /** Writes dx = scale g + w (slope d + term) and dz = g. */
    private void map(double slope, double term) {
      float floatSlope = (float) slope;
      double floatTerm = JavaFloats.around(term, floatCentre, centre, centreLow, floatSlope);
      boolean inDouble =
          !isNarrow
              || JavaFloats.isWildCentre(centre)
              || JavaFloats.isWildFactor(scale)
              || JavaFloats.isWildFactor(slope)
              || JavaFloats.isWildTerm(forwardTerm)
              || JavaFloats.isWildTerm(floatTerm)
              || JavaFloats.isWildTerm(floatSlope * Math.sqrt(spread * count));
      for (int i = 0; i < shape.m(); i++) {
        int at = shape.offset(c, i);
        double w = a.weights == null ? 1 : a.weights.get(i);
        double dz;
        double dx;
        if (inDouble) {
          double g = doubleG(at);
          double rest = slope * ((doubleIn(at) - centre) - centreLow) + term;
          dz = g;
          dx = a.given ? scale * g : scale * g + (a.weights == null ? rest : w * rest);
          dx = dx * xScale;
        } else {
          float g = floatG(at);
          float rest = Math.fma(floatSlope, floatIn(at) - floatCentre, (float) floatTerm);
          rest = a.weights == null ? rest : JavaFloats.weight(w) * rest;
          dz = g;
          dx = a.given ? floatScale * g : Math.fma(floatScale, g, rest);
        }
        if (a.dx != null) {
          a.dx.set(at, w > 0 ? dx : 0);
        }
        if (a.dz != null) {
          a.dz.set(at, w > 0 ? dz : 0);
        }
      }
    }
  }
}
