package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The gradients of gradients of {@link JavaKernel}, for some channels; each thread has its own. */
final class JavaSecond {
  private static final int SUMS = 5;

  private final SecondArguments a;
  private final ChannelRows rows;
  private final boolean isNarrow;
  private final double m;
  private final Pieces pieces;
  private final double[] none;

  JavaSecond(SecondArguments arguments, ChannelRows rows) {
    a = arguments;
    this.rows = rows;
    isNarrow = JavaMoments.isNarrow(a.shape);
    m = a.shape.m();
    pieces = new Pieces(rows, null);
    none = new double[rows.segment()];
  }

  void run(int channel, int end) {
    Channel[] channels = new Channel[end - channel];
    for (int c = channel; c < end; c++) {
      channels[c - channel] = new Channel(c);
    }
    double[][] sums =
        new OrderedSums(rows, pieces, !isNarrow, SUMS)
            .of(channel, end, (c, terms) -> channels[c - channel].putTerms(terms));
    for (int i = 0; i < channels.length; i++) {
      channels[i].settle(sums[i]);
    }
    pieces.each(channel, end, c -> channels[c - channel].map());
  }

  /** Means over a channel; h is xHat. */
  private record Means(double g, double v, double gh, double vh, double vg) {}

  private double[] orZeros(int number, @Nullable Storage from) {
    if (from == null) {
      Arrays.fill(none, 0); // outputs are computed in it
      return none;
    }
    return pieces.doubles(number, from);
  }

  /** One channel: what stays the same over its elements. */
  private final class Channel {
    private final int c;
    private final JavaMoments moments;
    private final double invStd;

    /** Of v and d in gdy; of g, v and d in gx. */
    private final double[] factors = new double[5];

    private final float[] floatFactors = new float[5];
    private double termOfDy;
    private double termOfX;
    private float floatTermOfDy;
    private float floatTermOfX;
    private boolean inDouble;

    Channel(int c) {
      this.c = c;
      moments = JavaMoments.saved(a.shape, a.saved, c);
      invStd = moments.invStd(a.eps);
    }

    private boolean isCentred() {
      return !isNarrow || JavaMoments.isFar(moments.mean(), moments.var());
    }

    /** Returns x times its scale, around the mean. */
    private double[] d() {
      double[] x = pieces.doubles(0, a.x);
      for (int i = 0; i < pieces.count(); i++) {
        x[i] = (x[i] * moments.scale() - moments.mean()) - moments.meanLow();
      }
      return x;
    }

    /** Returns the gradient for dx as that for the gradient of x times its scale. */
    private double[] v() {
      double[] v = orZeros(1, a.v);
      for (int i = 0; i < pieces.count() && moments.scale() != 1; i++) {
        v[i] *= moments.scale();
      }
      return v;
    }

    /** Puts g, v, v g, and g and v times d or, where sums are taken around 0, times x. */
    void putTerms(double[][] terms) {
      double[] x = isCentred() ? d() : pieces.doubles(0, a.x);
      double[] v = v();
      double[] g = pieces.doubles(2, a.dy);
      for (int i = 0; i < pieces.count(); i++) {
        terms[0][i] = g[i];
        terms[1][i] = v[i];
        terms[2][i] = v[i] * g[i];
        terms[3][i] = g[i] * x[i];
        terms[4][i] = v[i] * x[i];
      }
    }

    private Means means(double... sums) {
      double g = sums[0];
      double v = sums[1];
      double vg = sums[2];
      double gd = isCentred() ? sums[3] : sums[3] - moments.mean() * g;
      double vd = isCentred() ? sums[4] : sums[4] - moments.mean() * v;
      return a.given
          ? new Means(0, 0, 0, 0, vg / m)
          : new Means(g / m, v / m, gd / m * invStd, vd / m * invStd, vg / m);
    }

    /** Takes the sums; writes the gradient for gamma. */
    void settle(double... sums) {
      double s = invStd;
      double k = JavaKernel.valueOr(a.gamma, c, 1) * s;
      double vGamma = JavaKernel.valueOr(a.vGamma, c, 0);
      double vBeta = JavaKernel.valueOr(a.vBeta, c, 0);
      Means mean = means(sums);
      double together = (mean.vg - mean.v * mean.g) - mean.vh * mean.gh;
      if (a.gGamma != null) {
        a.gGamma.set(c, m > 0 ? together * m * s : 0);
      }
      double dOfDy = s * (vGamma - k * mean.vh);
      double vOfX = -(s * (k * mean.gh));
      factors[0] = k;
      factors[1] = dOfDy;
      factors[2] = dOfDy;
      factors[3] = vOfX;
      factors[4] =
          a.given ? 0 : -(s * ((vGamma * mean.gh + k * (together - 2 * (mean.vh * mean.gh))) * s));
      termOfDy = vBeta - k * mean.v;
      termOfX = -(dOfDy * mean.g + vOfX * mean.v);
      settleFloats();
    }

    private void settleFloats() {
      float centre = (float) moments.mean();
      inDouble = !isNarrow || JavaFloats.isWildCentre(moments.mean());
      for (int i = 0; i < factors.length; i++) {
        floatFactors[i] = (float) factors[i];
        inDouble |= JavaFloats.isWildFactor(factors[i]);
      }
      double mean = moments.mean();
      double low = moments.meanLow();
      double dyTerm = JavaFloats.around(termOfDy, centre, mean, low, floatFactors[1]);
      double xTerm = JavaFloats.around(termOfX, centre, mean, low, floatFactors[4]);
      double reach = Math.sqrt(moments.var() * m);
      inDouble |=
          JavaFloats.isWildTerm(dyTerm)
              || JavaFloats.isWildTerm(xTerm)
              || JavaFloats.isWildTerm(floatFactors[1] * reach)
              || JavaFloats.isWildTerm(floatFactors[4] * reach);
      floatTermOfDy = (float) dyTerm;
      floatTermOfX = (float) xTerm;
    }

    /**
     * Writes gdy = f0 v + f1 d + termOfDy and gx = f2 g + f3 v + f4 d + termOfX, the last products
     * first.
     */
    void map() {
      if (inDouble) {
        mapDoubles();
      } else {
        mapFloats();
      }
    }

    private void mapDoubles() {
      double[] f = factors;
      double[] d = d();
      double[] v = v();
      double[] g = pieces.doubles(2, a.dy);
      for (int i = 0; i < pieces.count(); i++) {
        double gdy = f[0] * v[i] + (f[1] * d[i] + termOfDy);
        g[i] = (f[2] * g[i] + (f[3] * v[i] + (f[4] * d[i] + termOfX))) * moments.scale();
        v[i] = gdy;
      }
      write(v, g);
    }

    private void mapFloats() {
      float[] f = floatFactors;
      float centre = (float) moments.mean();
      double[] x = pieces.doubles(0, a.x);
      double[] v = v();
      double[] g = pieces.doubles(2, a.dy);
      for (int i = 0; i < pieces.count(); i++) {
        float t = (float) x[i] - centre;
        float vf = (float) v[i];
        float gdy = Math.fma(f[0], vf, Math.fma(f[1], t, floatTermOfDy));
        float gx = Math.fma(f[4], t, floatTermOfX);
        g[i] = Math.fma(f[2], (float) g[i], Math.fma(f[3], vf, gx));
        v[i] = gdy;
      }
      write(v, g);
    }

    private void write(double[] gdy, double[] gx) {
      if (a.gdy != null) {
        pieces.write(gdy, a.gdy);
      }
      if (a.gx != null) {
        pieces.write(gx, a.gx);
      }
    }
  }
}
