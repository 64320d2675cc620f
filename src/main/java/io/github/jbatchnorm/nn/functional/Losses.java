package io.github.jbatchnorm.nn.functional;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import java.util.Arrays;
import java.util.Objects;

/** Losses of classifiers, and of rankings. */
public final class Losses {
  private Losses() {}

  /**
   * {@return the mean cross-entropy of softmax(x) against labels, without axes; NaN where N is 0}
   *
   * @param x scores, shape (N, K)
   * @param labels N classes, each 0 to K-1
   * @throws IllegalArgumentException if x is no matrix or a label is out of range
   */
  public static Tensor softmaxCrossentropy(Tensor x, int... labels) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(labels, "labels");
    return negativeLogLikelihood(Functions.logSoftmax(matrix("x", x)), labels);
  }

  /**
   * {@return minus the mean of the labels' log-probabilities, without axes}
   *
   * @param x log-probabilities, shape (N, K)
   * @param labels N classes, each 0 to K-1
   * @throws IllegalArgumentException if x is no matrix or a label is out of range
   */
  public static Tensor negativeLogLikelihood(Tensor x, int... labels) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(labels, "labels");
    return pick("x", x, labels).mean().negate();
  }

  /**
   * As {@link #negativeLogLikelihood(Tensor, int...)}, each sample times its class's weight. The
   * mean is over N, as MyGrad's; PyTorch divides by the sum of the samples' weights.
   *
   * @param x log probabilities, shape (N, classes)
   * @param weights K numbers
   * @param labels the classes, one a sample
   * @return the loss
   */
  public static Tensor negativeLogLikelihood(Tensor x, double[] weights, int... labels) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(weights, "weights");
    Objects.requireNonNull(labels, "labels");
    Tensor picked = pick("x", x, labels);
    if (weights.length != x.dim(1)) {
      throw new IllegalArgumentException(
          "weights: expected %s (K), got %s".formatted(x.dim(1), weights.length));
    }
    double[] factors = new double[labels.length];
    for (int i = 0; i < labels.length; i++) {
      factors[i] = weights[labels[i]];
    }
    Tensor factor = Tensor.of(factors).asConstant().astype(x.dtype());
    return picked.multiply(factor).mean().negate();
  }

  /**
   * {@return the focal loss of each sample, -alpha (1 - p)^gamma log(p), shape (N) (Lin et al.,
   * 2017)}
   *
   * @param probabilities shape (N, K)
   * @param alpha a factor
   * @param gamma how much less a well-recognized sample counts; 0 or more
   * @param labels N classes, each 0 to K-1
   * @throws IllegalArgumentException if the sizes do not fit or gamma is below 0
   */
  public static Tensor focal(Tensor probabilities, double alpha, double gamma, int... labels) {
    Objects.requireNonNull(probabilities, "probabilities");
    Objects.requireNonNull(labels, "labels");
    Tensor p = pick("probabilities", probabilities, labels);
    return focal(p.log(), p.negate().add(1).maximum(0), alpha, gamma);
  }

  /**
   * As {@link #focal}, of scores: their softmax's loss, without overflow.
   *
   * @param scores shape (N, classes)
   * @param alpha the factor of all
   * @param gamma how much less certain answers count
   * @param labels the classes, one a sample
   * @return the loss
   */
  public static Tensor softmaxFocal(Tensor scores, double alpha, double gamma, int... labels) {
    Objects.requireNonNull(scores, "scores");
    Objects.requireNonNull(labels, "labels");
    Tensor log = pick("scores", Functions.logSoftmax(matrix("scores", scores)), labels);
    return focal(log, log.expm1().negate(), alpha, gamma);
  }

  /** Of the logarithm of p, and of 1 - p: where that is 0, so are the loss and its gradients. */
  private static Tensor focal(Tensor log, Tensor rest, double alpha, double gamma) {
    if (!(gamma >= 0)) {
      throw new IllegalArgumentException("gamma: expected 0 or more, got " + gamma);
    }
    Tensor loss = log.multiply(-alpha);
    if (gamma == Math.rint(gamma)) {
      return gamma == 0 ? loss : loss.multiply(rest.pow(gamma));
    }
    Tensor no = rest.lessEqual(0); // NaN is not
    Tensor one = Tensors.full(rest.dtype(), 1).asConstant();
    Tensor none = Tensors.zeros(rest.dtype()).asConstant();
    // The power's derivatives at 0 may be infinite: it is never taken there.
    return loss.multiply(Tensors.where(no, none, Tensors.where(no, one, rest).pow(gamma)));
  }

  /**
   * {@return the mean over samples of the sum over other classes of max(0, score - label's score +
   * hinge), without axes (Weston and Watkins, 1999)}
   *
   * @param x scores, shape (N, K)
   * @param hinge by how much the label's score should be larger
   * @param labels N classes, each 0 to K-1
   * @throws IllegalArgumentException if x is no matrix or a label is out of range
   */
  public static Tensor multiclassHinge(Tensor x, double hinge, int... labels) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(labels, "labels");
    Tensor own = pick("x", x, labels).reshape(-1, 1);
    double[] others = new double[x.size()];
    for (int i = 0; i < others.length; i++) {
      others[i] = i % x.dim(1) == labels[i / x.dim(1)] ? 0 : 1;
    }
    Tensor mask = Tensor.of(others, x.shape()).asConstant().astype(x.dtype());
    return x.subtract(own).add(hinge).relu().multiply(mask).sum().divide(x.dim(0));
  }

  /**
   * {@return the mean of max(0, margin - y (x1 - x2)), without axes}
   *
   * @param x1 what should rank higher where y is 1, and lower where it is -1
   * @param x2 the other, of the same shape
   * @param y 1 or -1, of a shape that broadcasts
   * @param margin 0 or more
   * @throws IllegalArgumentException if shapes do not fit or the margin is below 0
   */
  public static Tensor marginRanking(Tensor x1, Tensor x2, Tensor y, double margin) {
    if (!Arrays.equals(x1.shape(), x2.shape())) {
      throw new IllegalArgumentException(
          "x2: expected x1's shape %s, got %s"
              .formatted(Shapes.text(x1.shape()), Shapes.text(x2.shape())));
    }
    Shapes.checkBroadcast("y", y.shape(), x1.shape());
    if (!(margin >= 0)) {
      throw new IllegalArgumentException("margin: expected 0 or more, got " + margin);
    }
    return x1.subtract(x2).multiply(y.asConstant()).negate().add(margin).relu().mean();
  }

  private static Tensor matrix(String name, Tensor x) {
    if (x.ndim() != 2) {
      throw new IllegalArgumentException(
          "%s: expected shape (N, K), got %s".formatted(name, Shapes.text(x.shape())));
    }
    return x;
  }

  /** Returns each sample's element at its label. */
  private static Tensor pick(String name, Tensor x, int... labels) {
    int classes = matrix(name, x).dim(1);
    if (labels.length != x.dim(0)) {
      throw new IllegalArgumentException(
          "labels: expected %s (N), got %s".formatted(x.dim(0), labels.length));
    }
    int[] at = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            "labels: expected 0 to %s, got %s at index %s".formatted(classes - 1, labels[i], i));
      }
      at[i] = i * classes + labels[i];
    }
    return x.reshape(-1).take(0, at);
  }
}
