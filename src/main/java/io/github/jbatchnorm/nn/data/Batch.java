package io.github.jbatchnorm.nn.data;

import io.github.jbatchnorm.autograd.Tensor;

/** Samples and their labels. */
public final class Batch {
  private final Tensor x;
  private final int[] labels;

  /**
   * Makes a batch.
   *
   * @param x a constant, shape (n, ...)
   * @param labels n classes
   * @throws IllegalArgumentException if there are other than n labels
   */
  public Batch(Tensor x, int... labels) {
    if (x.dim(0) != labels.length) {
      throw new IllegalArgumentException(
          "labels: expected %s, got %s".formatted(x.dim(0), labels.length));
    }
    this.x = x;
    this.labels = labels.clone();
  }

  /** {@return the samples, shape (n, ...)} */
  public Tensor x() {
    return x;
  }

  /** {@return a copy of the labels} */
  public int[] labels() {
    return labels.clone();
  }

  /** {@return n} */
  public int size() {
    return labels.length;
  }
}
