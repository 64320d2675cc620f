package io.github.jbatchnorm.autograd;

/** Functions that are constant between steps: their derivative is 0, so they are not recorded. */
final class Steps {
  private Steps() {}

  /** Returns 1 where x is more than 0 (or NaN: NaN), else 0. */
  static Tensor positive(Tensor x) {
    return Elementwise.map(
        x,
        (a, n) -> {
          for (int i = 0; i < n; i++) {
            a[i] = a[i] > 0 ? 1 : a[i] <= 0 ? 0 : Double.NaN;
          }
        });
  }

  /** Returns 1 where x is more than y (NaN where either is NaN), else 0. */
  static Tensor greater(Tensor x, Tensor y) {
    return Elementwise.zip(
        x,
        y,
        (a, b, n) -> {
          for (int i = 0; i < n; i++) {
            a[i] = a[i] > b[i] ? 1 : a[i] <= b[i] ? 0 : Double.NaN;
          }
        });
  }

  /** Returns -1, 0 or 1, the sign of x; NaN for NaN. */
  static Tensor sign(Tensor x) {
    return Elementwise.map(
        x,
        (a, n) -> {
          for (int i = 0; i < n; i++) {
            a[i] = Math.signum(a[i]);
          }
        });
  }

  /** Returns 1 where x is 0, else 0. */
  static Tensor zero(Tensor x) {
    return Elementwise.map(
        x,
        (a, n) -> {
          for (int i = 0; i < n; i++) {
            a[i] = a[i] == 0 ? 1 : 0;
          }
        });
  }
}
