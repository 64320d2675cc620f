package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;

/** The forward call of {@link JavaKernel}, for some channels; each thread has its own. */
final class JavaForward {
  private final ForwardArguments a;
  private final ChannelRows rows;
  private final boolean isNarrow;
  private final Pieces pieces;

  JavaForward(ForwardArguments arguments, ChannelRows rows) {
    a = arguments;
    this.rows = rows;
    isNarrow = JavaMoments.isNarrow(a.shape);
    pieces = new Pieces(rows, a.weights);
  }

  void run(int channel, int end) {
    JavaMoments[] moments = new JavaMoments[end - channel];
    if (a.given == null && a.givenMean == null) {
      moments = new JavaStatistics(a, rows).of(channel, end);
    }
    Affine[] maps = new Affine[moments.length];
    for (int c = channel; c < end; c++) {
      JavaMoments given = JavaMoments.given(a, c);
      JavaMoments own = given == null ? moments[c - channel] : given;
      own.put(a, c);
      maps[c - channel] = new Affine(own, c);
    }
    Storage y = a.y;
    if (y == null) {
      return;
    }
    pieces.each(channel, end, c -> maps[c - channel].normalize(y));
  }

  /** y of a channel by x. */
  private final class Affine {
    private final JavaMoments moments;
    private final double scale;
    private final double shift;
    private final float centre;
    private final float factor;
    private final float term;
    private final boolean inDouble;

    Affine(JavaMoments moments, int c) {
      this.moments = moments;
      scale = JavaKernel.valueOr(a.gamma, c, 1) * moments.invStd(a.eps);
      shift = JavaKernel.valueOr(a.beta, c, 0);
      centre = (float) moments.mean();
      factor = (float) scale;
      double around = JavaFloats.around(shift, centre, moments.mean(), moments.meanLow(), factor);
      term = (float) around;
      inDouble =
          !isNarrow
              || JavaFloats.isWildCentre(moments.mean())
              || JavaFloats.isWildFactor(scale)
              || JavaFloats.isWildTerm(around);
    }

    void normalize(Storage y) {
      if (inDouble) {
        pieces.write(doubles(), y);
      } else {
        pieces.write(floats(), y);
      }
    }

    private float[] floats() {
      float[] v = pieces.floats(0, a.x);
      int n = pieces.count();
      for (int i = 0; i < n; i++) {
        v[i] = Math.fma(v[i] - centre, factor, term);
      }
      if (a.z != null) {
        float[] z = pieces.floats(1, a.z);
        for (int i = 0; i < n; i++) {
          v[i] += z[i];
        }
      }
      float slope = (float) a.slope;
      if (slope != 1) {
        for (int i = 0; i < n; i++) {
          v[i] = JavaFloats.bend(v[i], v[i], slope);
        }
      }
      return v;
    }

    private double[] doubles() {
      double[] v = pieces.doubles(0, a.x);
      int n = pieces.count();
      double mean = moments.mean();
      double meanLow = moments.meanLow();
      double xScale = moments.scale();
      for (int i = 0; i < n; i++) {
        v[i] = ((v[i] * xScale - mean) - meanLow) * scale + shift;
      }
      if (a.z != null) {
        double[] z = pieces.doubles(1, a.z);
        for (int i = 0; i < n; i++) {
          v[i] += z[i];
        }
      }
      if (a.slope != 1) {
        for (int i = 0; i < n; i++) {
          v[i] = JavaFloats.bend(v[i], v[i], a.slope);
        }
      }
      return v;
    }
  }
}
