package io.github.jbatchnorm.kernel;

/**
 * The backward call of {@link JavaKernel}, for some channels; each thread has its own. Inverted,
 * what stands for x is the output before the tail, and for its mean beta.
 */
final class JavaBackward {
  private final BackwardArguments a;
  private final ChannelRows rows;
  private final boolean isNarrow;
  private final double count;
  private final Pieces pieces;
  private final double[] results;

  JavaBackward(BackwardArguments arguments, ChannelRows rows) {
    a = arguments;
    this.rows = rows;
    isNarrow = JavaMoments.isNarrow(a.shape);
    count = JavaMoments.count(a.shape, a.weights);
    pieces = new Pieces(rows, a.weights);
    results = new double[rows.segment()];
  }

  void run(int channel, int end) {
    Channel[] channels = new Channel[end - channel];
    for (int c = channel; c < end; c++) {
      channels[c - channel] = new Channel(c);
    }
    double[][] sums =
        new OrderedSums(rows, pieces, !isNarrow, 2)
            .of(channel, end, (c, terms) -> channels[c - channel].putTerms(terms[0], terms[1]));
    for (int i = 0; i < channels.length; i++) {
      channels[i].settle(sums[i][0], sums[i][1]);
    }
    if (a.dx == null && a.dz == null) {
      return;
    }
    pieces.each(channel, end, c -> channels[c - channel].map());
  }

  /** One channel: what stays the same over its elements. */
  private final class Channel {
    private final int c;
    private final double beta;
    private final double gamma;
    private final double invStd;
    private final double centre;
    private final double centreLow;
    private final double spread;
    private final double xScale;
    private final double dxScale;
    private final double scale;
    private final float floatCentre;
    private final float floatScale;
    private final double forwardTerm;
    private double slope;
    private double term;
    private float floatTerm;
    private boolean inDouble;

    Channel(int c) {
      this.c = c;
      JavaMoments moments = JavaMoments.saved(a.shape, a.saved, c);
      beta = JavaKernel.valueOr(a.beta, c, 0);
      gamma = JavaKernel.valueOr(a.gamma, c, 1);
      invStd = moments.invStd(a.eps);
      centre = a.inverted ? beta : moments.mean();
      centreLow = a.inverted ? 0 : moments.meanLow();
      spread = a.inverted ? gamma * gamma : moments.var();
      dxScale = moments.scale();
      xScale = a.inverted ? 1 : dxScale;
      scale = gamma * invStd;
      floatCentre = (float) centre;
      floatScale = (float) scale;
      forwardTerm = JavaFloats.around(beta, floatCentre, centre, centreLow, floatScale);
    }

    /** Whether products are summed around the mean: around 0 they are exact, but lose too much. */
    private boolean isCentred() {
      return !isNarrow || JavaMoments.isFar(centre, spread);
    }

    /** Puts g, and g times d or, where the sum is taken around 0, times x. */
    void putTerms(double[] gs, double[] products) {
      int n = pieces.count();
      if (isNarrow) {
        float[] in = floatIn();
        float[] g = floatG(in);
        floatX(in);
        for (int i = 0; i < n; i++) {
          gs[i] = g[i];
          products[i] = in[i];
        }
      } else {
        double[] in = doubleIn();
        double[] g = doubleG(in);
        doubleX(in);
        System.arraycopy(g, 0, gs, 0, n);
        System.arraycopy(in, 0, products, 0, n);
      }
      if (isCentred()) {
        for (int i = 0; i < n; i++) {
          products[i] = (products[i] - centre) - centreLow;
        }
      }
      if (a.weights == null) {
        for (int i = 0; i < n; i++) {
          products[i] = gs[i] * products[i];
        }
        return;
      }
      double[] w = pieces.weights();
      for (int i = 0; i < n; i++) {
        gs[i] = w[i] > 0 ? gs[i] : 0;
        products[i] = w[i] > 0 ? gs[i] * products[i] : 0;
      }
    }

    /** Returns x, or inverted y. */
    private float[] floatIn() {
      return pieces.floats(0, a.x);
    }

    /** Makes of y, inverted, what stands for x. */
    private void floatX(float[] in) {
      if (a.inverted && a.slope != 1) {
        float inverse = (float) (1 / a.slope);
        for (int i = 0; i < pieces.count(); i++) {
          in[i] = JavaFloats.bend(in[i], in[i], inverse);
        }
      }
    }

    /** Returns the gradient before the tail. */
    private float[] floatG(float[] in) {
      float[] g = pieces.floats(1, a.dy);
      if (a.slope == 1) {
        return g;
      }
      int n = pieces.count();
      float bent = (float) a.slope;
      if (!a.inverted && a.y == null) {
        float again = (float) forwardTerm;
        for (int i = 0; i < n; i++) {
          float pre = Math.fma(in[i] - floatCentre, floatScale, again);
          g[i] = JavaFloats.bend(pre, g[i], bent);
        }
        return g;
      }
      float[] sign = a.inverted || a.y == null ? in : pieces.floats(2, a.y);
      for (int i = 0; i < n; i++) {
        g[i] = JavaFloats.bend(sign[i], g[i], bent);
      }
      return g;
    }

    /** Returns x times its scale, or inverted y. */
    private double[] doubleIn() {
      double[] in = pieces.doubles(0, a.x);
      for (int i = 0; i < pieces.count() && xScale != 1; i++) {
        in[i] *= xScale;
      }
      return in;
    }

    private void doubleX(double[] in) {
      if (a.inverted && a.slope != 1) {
        double inverse = 1 / a.slope;
        for (int i = 0; i < pieces.count(); i++) {
          in[i] = JavaFloats.bend(in[i], in[i], inverse);
        }
      }
    }

    private double[] doubleG(double[] in) {
      double[] g = pieces.doubles(1, a.dy);
      if (a.slope == 1) {
        return g;
      }
      int n = pieces.count();
      if (!a.inverted && a.y == null) {
        for (int i = 0; i < n; i++) {
          double pre = ((in[i] - centre) - centreLow) * scale + beta;
          g[i] = JavaFloats.bend(pre, g[i], a.slope);
        }
        return g;
      }
      double[] sign = a.inverted || a.y == null ? in : pieces.doubles(2, a.y);
      for (int i = 0; i < n; i++) {
        g[i] = JavaFloats.bend(sign[i], g[i], a.slope);
      }
      return g;
    }

    /** Takes the sums of g and of the products; writes dGamma and dBeta. */
    void settle(double dBeta, double products) {
      double factor = a.inverted ? 1 / gamma : invStd; // xHat = d * factor
      double dGamma = (isCentred() ? products : products - centre * dBeta) * factor;
      dGamma = count > 0 ? dGamma : 0;
      if (a.dGamma != null) {
        a.dGamma.set(c, dGamma);
      }
      if (a.dBeta != null) {
        a.dBeta.set(c, dBeta);
      }
      slope = -(scale * (dGamma / count * factor));
      term = -(scale * (dBeta / count));
      float floatSlope = (float) slope;
      double around = JavaFloats.around(term, floatCentre, centre, centreLow, floatSlope);
      floatTerm = (float) around;
      inDouble =
          !isNarrow
              || JavaFloats.isWildCentre(centre)
              || JavaFloats.isWildFactor(scale)
              || JavaFloats.isWildFactor(slope)
              || JavaFloats.isWildTerm(forwardTerm)
              || JavaFloats.isWildTerm(around)
              || JavaFloats.isWildTerm(floatSlope * Math.sqrt(spread * count));
    }

    /** Writes dx = scale g + w (slope d + term) and dz = g. */
    void map() {
      if (inDouble) {
        mapDoubles();
      } else {
        mapFloats();
      }
    }

    private void mapFloats() {
      int n = pieces.count();
      float[] x = floatIn();
      float[] g = floatG(x);
      floatX(x);
      float floatSlope = (float) slope;
      for (int i = 0; i < n; i++) {
        x[i] = Math.fma(floatSlope, x[i] - floatCentre, floatTerm);
      }
      if (a.weights != null) {
        double[] w = pieces.weights();
        for (int i = 0; i < n; i++) {
          x[i] = JavaFloats.weight(w[i]) * x[i];
        }
      }
      for (int i = 0; i < n; i++) {
        x[i] = a.given ? floatScale * g[i] : Math.fma(floatScale, g[i], x[i]);
      }
      if (a.dx != null) {
        pieces.write(x, a.dx);
      }
      if (a.dz != null) {
        pieces.write(g, a.dz);
      }
    }

    private void mapDoubles() {
      int n = pieces.count();
      double[] in = doubleIn();
      double[] g = doubleG(in);
      doubleX(in);
      for (int i = 0; i < n; i++) {
        double rest = slope * ((in[i] - centre) - centreLow) + term;
        results[i] = a.weights == null ? rest : pieces.weights()[i] * rest;
      }
      for (int i = 0; i < n; i++) {
        double dx = a.given ? scale * g[i] : scale * g[i] + results[i];
        results[i] = dx * dxScale;
      }
      if (a.dx != null) {
        pieces.write(results, a.dx);
      }
      if (a.dz != null) {
        pieces.write(g, a.dz);
      }
    }
  }
}
