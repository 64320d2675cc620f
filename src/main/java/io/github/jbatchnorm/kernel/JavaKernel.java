package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The kernel in plain Java, on the calling thread: the reference that the native kernel is tested
 * against, and the kernel of machines that have no native library. It keeps the contract of
 * docs/numerics.md to the bit, and makes no attempt at speed.
 */
final class JavaKernel implements BatchNormKernel {
  @Override
  public String name() {
    return "java";
  }

  @Override
  public void forward(ForwardArguments a) {
    Checks.forward(a);
    for (int c = 0; c < a.shape.c(); c++) {
      JavaMoments moments = JavaMoments.given(a, c);
      if (moments == null) {
        moments = JavaMoments.of(a.shape, a.x, a.weights, c, a.eps);
      }
      moments.put(a, c);
      if (a.y != null) {
        normalize(a, c, moments, a.y);
      }
    }
  }

  private static void normalize(ForwardArguments a, int c, JavaMoments moments, Storage y) {
    double scale = valueOr(a.gamma, c, 1) * moments.invStd(a.eps);
    double shift = valueOr(a.beta, c, 0);
    float centre = (float) moments.mean();
    float factor = (float) scale;
    double term = JavaFloats.around(shift, centre, moments.mean(), moments.meanLow(), factor);
    boolean inDouble =
        !JavaMoments.isNarrow(a.shape)
            || JavaFloats.isWildCentre(moments.mean())
            || JavaFloats.isWildFactor(scale)
            || JavaFloats.isWildTerm(term);
    for (int i = 0; i < a.shape.m(); i++) {
      int at = a.shape.offset(c, i);
      double value;
      if (inDouble) {
        double x = a.x.get(at) * moments.scale();
        double pre = ((x - moments.mean()) - moments.meanLow()) * scale + shift;
        pre = a.z == null ? pre : pre + a.z.get(at);
        value = a.slope == 1 ? pre : JavaFloats.bend(pre, pre, a.slope);
      } else {
        float pre = Math.fma((float) a.x.get(at) - centre, factor, (float) term);
        pre = a.z == null ? pre : pre + (float) a.z.get(at);
        value = a.slope == 1 ? pre : JavaFloats.bend(pre, pre, (float) a.slope);
      }
      y.set(at, a.weights == null || a.weights.get(i) > 0 ? value : 0);
    }
  }

  static double valueOr(@Nullable Storage storage, int c, double otherwise) {
    return storage == null ? otherwise : storage.get(c);
  }

  @Override
  public void backward(BackwardArguments a) {
    Checks.backward(a);
    JavaBackward backward = new JavaBackward(a);
    for (int c = 0; c < a.shape.c(); c++) {
      backward.run(c);
    }
  }

  @Override
  public void second(SecondArguments a) {
    Checks.second(a);
    JavaSecond second = new JavaSecond(a);
    for (int c = 0; c < a.shape.c(); c++) {
      second.run(c);
    }
  }
}
