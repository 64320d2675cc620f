package io.github.jbatchnorm.kernel;

/** The gradients of gradients of {@link JavaKernel}, a channel at a time. */
final class JavaSecond {
  private final SecondArguments a;
  private final BatchNormShape shape;
  private final boolean isNarrow;
  private final double m;

  JavaSecond(SecondArguments arguments) {
    a = arguments;
    shape = a.shape;
    isNarrow = JavaMoments.isNarrow(shape);
    m = shape.m();
  }

  /** Means over a channel; h is xHat. */
  private record Means(double g, double v, double gh, double vh, double vg) {}

  private final class Channel {
    private final int c;
    private final JavaMoments moments;
    private final double invStd;

    Channel(int c) {
      this.c = c;
      moments = JavaMoments.saved(shape, a.saved, c);
      invStd = moments.invStd(a.eps);
    }

    double d(int i) {
      double x = a.x.get(shape.offset(c, i)) * moments.scale();
      return (x - moments.mean()) - moments.meanLow();
    }

    double g(int i) {
      return a.dy.get(shape.offset(c, i));
    }

    /** The gradient for dx as that for the gradient of x times its scale. */
    double v(int i) {
      return a.v == null ? 0 : a.v.get(shape.offset(c, i)) * moments.scale();
    }

    Means means() {
      OrderedSum ordered = JavaMoments.ordered(shape);
      double g = ordered.sum(this::g);
      double v = ordered.sum(this::v);
      double vg = ordered.sum(i -> v(i) * g(i));
      double gd;
      double vd;
      if (!isNarrow || JavaMoments.isFar(moments.mean(), moments.var())) {
        gd = ordered.sum(i -> g(i) * d(i));
        vd = ordered.sum(i -> v(i) * d(i));
      } else {
        gd = ordered.sum(i -> g(i) * a.x.get(shape.offset(c, i))) - moments.mean() * g;
        vd = ordered.sum(i -> v(i) * a.x.get(shape.offset(c, i))) - moments.mean() * v;
      }
      return a.given
          ? new Means(0, 0, 0, 0, vg / m)
          : new Means(g / m, v / m, gd / m * invStd, vd / m * invStd, vg / m);
    }
  }

  void run(int c) {
    Channel channel = new Channel(c);
    double s = channel.invStd;
    double k = JavaKernel.valueOr(a.gamma, c, 1) * s;
    double vGamma = JavaKernel.valueOr(a.vGamma, c, 0);
    double vBeta = JavaKernel.valueOr(a.vBeta, c, 0);
    Means mean = channel.means();
    double together = (mean.vg - mean.v * mean.g) - mean.vh * mean.gh;
    if (a.gGamma != null) {
      a.gGamma.set(c, m > 0 ? together * m * s : 0);
    }
    double dOfDy = s * (vGamma - k * mean.vh);
    double vOfX = -(s * (k * mean.gh));
    double dOfX =
        a.given ? 0 : -(s * ((vGamma * mean.gh + k * (together - 2 * (mean.vh * mean.gh))) * s));
    map(
        channel,
        new double[] {k, dOfDy, dOfDy, vOfX, dOfX},
        vBeta - k * mean.v,
        -(dOfDy * mean.g + vOfX * mean.v));
  }

  /**
   * Writes gdy = f0 v + f1 d + termOfDy and gx = f2 g + f3 v + f4 d + termOfX, the last products
   * first.
   */
  private void map(Channel channel, double[] f, double termOfDy, double termOfX) {
    JavaMoments moments = channel.moments;
    float centre = (float) moments.mean();
    float[] factors = new float[f.length];
    boolean inDouble = !isNarrow || JavaFloats.isWildCentre(moments.mean());
    for (int i = 0; i < f.length; i++) {
      factors[i] = (float) f[i];
      inDouble |= JavaFloats.isWildFactor(f[i]);
    }
    double dyTerm =
        JavaFloats.around(termOfDy, centre, moments.mean(), moments.meanLow(), factors[1]);
    double xTerm =
        JavaFloats.around(termOfX, centre, moments.mean(), moments.meanLow(), factors[4]);
    double reach = Math.sqrt(moments.var() * m);
    inDouble |=
        JavaFloats.isWildTerm(dyTerm)
            || JavaFloats.isWildTerm(xTerm)
            || JavaFloats.isWildTerm(factors[1] * reach)
            || JavaFloats.isWildTerm(factors[4] * reach);
    for (int i = 0; i < shape.m(); i++) {
      int at = shape.offset(channel.c, i);
      double gdy;
      double gx;
      if (inDouble) {
        double d = channel.d(i);
        double v = channel.v(i);
        gdy = f[0] * v + (f[1] * d + termOfDy);
        gx = (f[2] * channel.g(i) + (f[3] * v + (f[4] * d + termOfX))) * moments.scale();
      } else {
        float t = (float) a.x.get(at) - centre;
        float v = (float) channel.v(i);
        float g = (float) channel.g(i);
        gdy = Math.fma(factors[0], v, Math.fma(factors[1], t, (float) dyTerm));
        gx =
            Math.fma(
                factors[2], g, Math.fma(factors[3], v, Math.fma(factors[4], t, (float) xTerm)));
      }
      if (a.gdy != null) {
        a.gdy.set(at, gdy);
      }
      if (a.gx != null) {
        a.gx.set(at, gx);
      }
    }
  }
}
