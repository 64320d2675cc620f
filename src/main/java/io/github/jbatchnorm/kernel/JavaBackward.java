package io.github.jbatchnorm.kernel;

/** The backward call of {@link JavaKernel}, a channel at a time. */
final class JavaBackward {
  private final BackwardArguments a;
  private final BatchNormShape shape;
  private final boolean plain;
  private final double total;

  JavaBackward(BackwardArguments arguments) {
    a = arguments;
    shape = a.shape;
    plain = a.weights == null && a.slope == 1 && a.dz == null && !a.given && !a.inverted;
    total = a.weights == null ? shape.m() : JavaMoments.total(shape, a.weights);
  }

  /** One channel's numbers: d = in - centre, and g = dy times the tail's derivative. */
  private final class Channel {
    private final int c;
    private final JavaMoments moments;
    private final double scale;
    private final double beta;

    Channel(int c) {
      this.c = c;
      moments = JavaMoments.saved(shape, a.saved, c);
      scale = moments.scale(a.gamma, c, a.eps);
      beta = JavaKernel.orZero(a.beta, c);
    }

    boolean counts(int i) {
      return a.weights == null || a.weights.get(i) > 0;
    }

    double d(int i) {
      double in = a.x.get(shape.offset(c, i));
      if (!counts(i)) {
        return 0;
      }
      if (!a.inverted) {
        return moments.centred(in);
      }
      return (a.slope == 1 ? in : JavaKernel.bent(in, 1 / a.slope)) - beta;
    }

    double g(int i) {
      if (!counts(i)) {
        return 0;
      }
      int at = shape.offset(c, i);
      double dy = a.dy.get(at);
      if (a.slope == 1) {
        return dy;
      }
      double before = a.inverted ? a.x.get(at) : a.y != null ? a.y.get(at) : d(i) * scale + beta;
      return before > 0 ? dy : dy * a.slope;
    }

    /** xHat = d * factor. */
    double factor() {
      if (!a.inverted) {
        return moments.invStd(a.eps);
      }
      return a.gamma == null ? 1 : 1 / a.gamma.get(c);
    }

    /** The sum of g * xHat. */
    double gammaGradient(double dBeta) {
      double sum;
      if (plain && JavaMoments.isNarrow(shape) && !moments.isFar()) {
        double around0 = JavaMoments.ordered(shape).sum(i -> g(i) * a.x.get(shape.offset(c, i)));
        sum = around0 - moments.mean() * dBeta;
      } else {
        sum = JavaMoments.ordered(shape).sum(i -> g(i) * d(i));
      }
      return total > 0 ? sum * factor() : 0;
    }

    double dx(int i, double dyMean, double slope) {
      if (!counts(i)) {
        return 0;
      }
      if (a.given) {
        return g(i) * scale;
      }
      if (a.weights == null) {
        return ((g(i) - dyMean) - d(i) * slope) * scale;
      }
      double w = a.weights.get(i);
      return ((g(i) - w * dyMean) - w * (d(i) * slope)) * scale;
    }
  }

  void run(int c) {
    Channel channel = new Channel(c);
    double dBeta = JavaMoments.ordered(shape).sum(channel::g);
    double dGamma = channel.gammaGradient(dBeta);
    if (a.dGamma != null) {
      a.dGamma.set(c, dGamma);
    }
    if (a.dBeta != null) {
      a.dBeta.set(c, dBeta);
    }
    if (a.weights == null && shape.dtype().bytes() == Short.BYTES) {
      mapInFloat(channel, dBeta, dGamma);
      return;
    }
    double dyMean = dBeta / total;
    double slope = dGamma / total * channel.factor();
    for (int i = 0; i < shape.m(); i++) {
      int at = shape.offset(c, i);
      double dz = channel.g(i);
      double dx = a.dx == null ? 0 : channel.dx(i, dyMean, slope);
      if (a.dz != null) {
        a.dz.set(at, dz);
      }
      if (a.dx != null) {
        a.dx.set(at, dx);
      }
    }
  }

  /** The map of 16-bit elements: in float, around a centre that is a pair of floats. */
  private void mapInFloat(Channel channel, double dBeta, double dGamma) {
    double centre = a.inverted ? channel.beta : channel.moments.mean();
    float high = (float) centre;
    float low = (float) (centre - high);
    float scale = (float) channel.scale;
    float dyMean = (float) (dBeta / total);
    float slopeOfD = (float) (dGamma / total * channel.factor());
    float slope = (float) a.slope;
    float inverse = (float) (1 / a.slope);
    for (int i = 0; i < shape.m(); i++) {
      int at = shape.offset(channel.c, i);
      float in = (float) a.x.get(at);
      float d = ((a.inverted && slope != 1 ? JavaKernel.bent(in, inverse) : in) - high) - low;
      float g = (float) a.dy.get(at);
      if (slope != 1) {
        float again = d * scale + (float) channel.beta;
        float before = a.inverted ? in : a.y != null ? (float) a.y.get(at) : again;
        g = before > 0 ? g : g * slope;
      }
      if (a.dz != null) {
        a.dz.set(at, g);
      }
      if (a.dx != null) {
        a.dx.set(at, a.given ? g * scale : ((g - dyMean) - d * slopeOfD) * scale);
      }
    }
  }
}
