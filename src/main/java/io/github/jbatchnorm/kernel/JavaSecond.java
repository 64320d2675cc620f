package io.github.jbatchnorm.kernel;

/** The gradients of gradients of {@link JavaKernel}, a channel at a time. */
final class JavaSecond {
  private final SecondArguments a;
  private final BatchNormShape shape;

  JavaSecond(SecondArguments arguments) {
    a = arguments;
    shape = a.shape;
  }

  /** Means over a channel; h is xHat. */
  private record Means(double g, double v, double gh, double vh, double vg) {}

  private final class Channel {
    private final int c;
    private final JavaMoments moments;

    Channel(int c) {
      this.c = c;
      moments = JavaMoments.saved(shape, a.saved, c);
    }

    double d(int i) {
      return moments.centred(a.x.get(shape.offset(c, i)));
    }

    double g(int i) {
      return a.dy.get(shape.offset(c, i));
    }

    double v(int i) {
      return a.v == null ? 0 : a.v.get(shape.offset(c, i));
    }

    Means means(double invStd) {
      double m = shape.m();
      OrderedSum ordered = JavaMoments.ordered(shape);
      return new Means(
          ordered.sum(this::g) / m,
          ordered.sum(this::v) / m,
          ordered.sum(i -> g(i) * d(i)) / m * invStd,
          ordered.sum(i -> v(i) * d(i)) / m * invStd,
          ordered.sum(i -> v(i) * g(i)) / m);
    }
  }

  void run(int c) {
    Channel channel = new Channel(c);
    double m = shape.m();
    double invStd = channel.moments.invStd(a.eps);
    double scale = channel.moments.scale(a.gamma, c, a.eps);
    double vGamma = JavaKernel.orZero(a.vGamma, c);
    double vBeta = JavaKernel.orZero(a.vBeta, c);
    Means mean = channel.means(invStd);
    if (a.given) {
      if (a.gGamma != null) {
        a.gGamma.set(c, mean.vg * m * invStd);
      }
      mean = new Means(0, 0, 0, 0, 0);
    }
    double together = (mean.vg - mean.v * mean.g) - mean.vh * mean.gh;
    if (a.gGamma != null && !a.given) {
      a.gGamma.set(c, m == 0 ? 0 : together * m * invStd);
    }
    double ofH = scale * invStd * mean.vh;
    double ofD = vGamma * invStd;
    double xV = scale * mean.gh;
    double xG = vGamma - scale * mean.vh;
    double xD = (vGamma * mean.gh + scale * (together - 2 * (mean.vh * mean.gh))) * invStd;
    for (int i = 0; i < shape.m(); i++) {
      int at = shape.offset(c, i);
      double d = channel.d(i);
      double v = channel.v(i) - mean.v;
      double g = channel.g(i) - mean.g;
      if (a.gdy != null) {
        a.gdy.set(at, ((v * scale - d * ofH) + d * ofD) + vBeta);
      }
      if (a.gx != null) {
        a.gx.set(at, ((g * xG - v * xV) - d * xD) * invStd);
      }
    }
  }
}
