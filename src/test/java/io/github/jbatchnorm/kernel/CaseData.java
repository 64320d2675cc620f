package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;

/** The arguments of a case: made from its sizes alone, the same in Java and C++. */
final class CaseData {
  final Storage x;
  final Storage dy;
  final Storage z;
  final Storage weights;
  final Storage gamma;
  final Storage beta;
  final Storage mean;
  final Storage var;
  private long state;

  CaseData(BatchNormShape shape, String kind) {
    state = 1000003L * shape.n() + 1009L * shape.c() + shape.s();
    x = Storage.allocate(shape.dtype(), shape.size());
    dy = Storage.allocate(shape.dtype(), shape.size());
    z = Storage.allocate(shape.dtype(), shape.size());
    weights = Storage.allocate(DType.F64, shape.m());
    DType parameters = shape.dtype().parameters();
    gamma = Storage.allocate(parameters, shape.c());
    beta = Storage.allocate(parameters, shape.c());
    mean = Storage.allocate(parameters, shape.c());
    var = Storage.allocate(parameters, shape.c());
    for (int c = 0; c < shape.c(); c++) {
      boolean zeros = kind.equals("zeros");
      double scale = 1 + next() / 2;
      double shift = next();
      gamma.set(c, zeros && c % 2 == 0 ? -0.0 : scale);
      beta.set(c, zeros ? -0.0 : shift);
      mean.set(c, next());
      var.set(c, 1 + next() / 2);
      for (int i = 0; i < shape.m(); i++) {
        x.set(shape.offset(c, i), element(kind, next(), i, shape.m(), c));
        dy.set(shape.offset(c, i), next());
      }
    }
    for (int i = 0; i < shape.m(); i++) {
      double r = next();
      weights.set(i, i % 3 == 1 ? 0 : 1 + r / 2);
    }
    for (int i = 0; i < shape.size(); i++) {
      z.set(i, next());
    }
  }

  private static double element(String kind, double r, long i, long m, int c) {
    return switch (kind) {
      case "offset" -> 1e4 + 1e-2 * r;
      case "spread" -> r * (c % 3 == 0 ? 1e-8 : c % 3 == 1 ? 1.0 : 1e8);
      case "huge" -> r * 3e38;
      case "tiny" -> r * 1e-40;
      case "vast" -> r * (c % 3 == 0 ? 1.7e308 : c % 3 == 1 ? 1e160 : 1);
      case "minute" -> r * (c % 3 == 0 ? 1e-300 : c % 3 == 1 ? 1e-170 : 1);
      case "zeros" -> i % 3 == 0 ? -0.0 : r;
      case "constant" -> c % 2 == 0 ? 0.1 * (c + 1) : r;
      case "probes" -> isProbe(i, m) ? 1e6 : r;
      case "special" -> i == m / 2 ? special(c, r) : r;
      case "plain" -> r;
      default -> throw new IllegalArgumentException("data: " + kind);
    };
  }

  private static boolean isProbe(long i, long m) {
    long probes = Math.min(m, 16);
    long j = i * probes / m;
    return i == j * m / probes || i == (j + 1) * m / probes;
  }

  private static double special(int c, double r) {
    return switch (c % 4) {
      case 1 -> Double.NaN;
      case 2 -> Double.POSITIVE_INFINITY;
      case 3 -> Double.NEGATIVE_INFINITY;
      default -> r;
    };
  }

  private double next() {
    return (uniform() + uniform() + uniform() - 1.5) / 1.5;
  }

  /** SplitMix64 (Steele, Lea and Flood 2014). */
  private double uniform() {
    state += 0x9e3779b97f4a7c15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1p-53;
  }
}
