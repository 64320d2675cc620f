package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The kernel in plain Java, on the calling thread: the reference that the native kernel is tested
 * against, and the kernel of machines that have no native library. It keeps the contract of
 * docs/numerics.md to the bit, and makes no attempt at speed.
 */
public final class JavaKernel implements BatchNormKernel {
  /** Makes a kernel; it has no state. */
  public JavaKernel() {}

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
        moments =
            a.weights == null
                ? JavaMoments.of(a.shape, a.x, c)
                : JavaMoments.weighted(a.shape, a.x, a.weights, c);
      }
      moments.put(a, c);
      if (a.y != null) {
        normalize(a, c, moments, a.y);
      }
    }
  }

  private static void normalize(ForwardArguments a, int c, JavaMoments moments, Storage y) {
    if (a.weights == null && a.shape.dtype().bytes() == Short.BYTES) {
      normalizeInFloat(a, c, moments, y);
      return;
    }
    double scale = moments.scale(a.gamma, c, a.eps);
    double shift = orZero(a.beta, c);
    boolean bends = a.z != null || a.slope != 1;
    for (int i = 0; i < a.shape.m(); i++) {
      int at = a.shape.offset(c, i);
      double value = moments.centred(a.x.get(at)) * scale + shift;
      if (a.z != null) {
        value += a.z.get(at);
      }
      boolean counts = a.weights == null || a.weights.get(i) > 0;
      y.set(at, !counts ? 0 : bends ? bent(value, a.slope) : value);
    }
  }

  /** As normalize, for 16-bit elements: in float, around a mean that is a pair of floats. */
  private static void normalizeInFloat(ForwardArguments a, int c, JavaMoments moments, Storage y) {
    float mean = (float) moments.mean();
    float meanLow = (float) (moments.mean() - mean);
    float scale = (float) moments.scale(a.gamma, c, a.eps);
    float shift = (float) orZero(a.beta, c);
    boolean bends = a.z != null || a.slope != 1;
    for (int i = 0; i < a.shape.m(); i++) {
      int at = a.shape.offset(c, i);
      float value = (((float) a.x.get(at) - mean) - meanLow) * scale + shift;
      if (a.z != null) {
        value += (float) a.z.get(at);
      }
      y.set(at, bends ? bent(value, (float) a.slope) : value);
    }
  }

  /** The tail in float. */
  static float bent(float value, float slope) {
    return value > 0 ? value : value * slope + 0f;
  }

  /** The tail: what is above 0 stays, the rest is multiplied (0 gives 0, not -0). */
  static double bent(double value, double slope) {
    return value > 0 ? value : value * slope + 0.0;
  }

  static double orZero(@Nullable Storage storage, int c) {
    return storage == null ? 0 : storage.get(c);
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
