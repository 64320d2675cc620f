package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.Weights;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A batch normalization of x with everything there is, each set by the method of its name: y =
 * tail(gamma * (x - mean) / sqrt(var + eps) + beta + z). {@link #apply} computes and records it.
 */
public final class BatchNormBuilder {
  final Tensor x;
  BatchNormOptions options = BatchNormOptions.DEFAULT;
  int groups = 1;
  boolean inPlace;
  @Nullable Communicator ranks;
  @Nullable Tensor gamma;
  @Nullable Tensor beta;
  @Nullable Tensor z;
  @Nullable Tensor mean;
  @Nullable Tensor var;
  private @Nullable Tensor mask;
  private @Nullable Tensor sampleWeights;

  /** Of mask and sampleWeights, once someone asks. */
  private @Nullable Weights weights;

  BatchNormBuilder(Tensor x) {
    this.x = x;
  }

  /**
   * The layout, eps and the tail; {@link BatchNormOptions#DEFAULT} otherwise.
   *
   * @param newOptions the options
   * @return this, for the next option
   */
  public BatchNormBuilder options(BatchNormOptions newOptions) {
    Objects.requireNonNull(newOptions, "options");
    options = newOptions;
    return this;
  }

  /**
   * The scale, C elements along one axis, others of size 1; null for 1.
   *
   * @param tensor the scale, C elements, or null for 1
   * @return this, for the next option
   */
  public BatchNormBuilder gamma(@Nullable Tensor tensor) {
    gamma = tensor;
    return this;
  }

  /**
   * The shift, C elements as {@link #gamma}'s; null for 0.
   *
   * @param tensor the shift, C elements, or null for 0
   * @return this, for the next option
   */
  public BatchNormBuilder beta(@Nullable Tensor tensor) {
    beta = tensor;
    return this;
  }

  /**
   * What is added before the tail, of x's shape: a residual connection. Null for nothing.
   *
   * @param tensor of x's shape, or null for none
   * @return this, for the next option
   */
  public BatchNormBuilder add(@Nullable Tensor tensor) {
    z = tensor;
    return this;
  }

  /**
   * Statistics to use instead of the batch's, C elements each as {@link #gamma}'s. Gradients flow
   * to them where they are variables.
   *
   * @param newMean the mean, shape (C)
   * @param newVar the variance, shape (C)
   * @return this, for the next option
   * @throws IllegalArgumentException if one is null
   */
  public BatchNormBuilder given(Tensor newMean, Tensor newVar) {
    checkGiven("mean", newMean);
    checkGiven("var", newVar);
    mean = newMean;
    var = newVar;
    return this;
  }

  private static void checkGiven(String name, @Nullable Tensor tensor) {
    if (tensor == null) {
      throw new IllegalArgumentException("%s: expected a tensor, got null".formatted(name));
    }
  }

  /**
   * Which positions count, in x's shape without the channel axis: 0 for padding, which takes part
   * in nothing, whatever x holds there; its y and its gradients are 0. Null for all.
   *
   * @param tensor 0 where a position does not count, in x's shape without the channel axis; or null
   * @return this, for the next option
   */
  public BatchNormBuilder mask(@Nullable Tensor tensor) {
    mask = tensor;
    weights = null;
    return this;
  }

  /**
   * The weight of each sample in the statistics, shape (N), 0 or more; null for 1.
   *
   * @param tensor shape (N), or null for 1
   * @return this, for the next option
   */
  public BatchNormBuilder sampleWeights(@Nullable Tensor tensor) {
    sampleWeights = tensor;
    weights = null;
    return this;
  }

  /**
   * The number of slices of the batch, each normalized with statistics of its own (ghost batches;
   * Hoffer, Hubara and Soudry, 2017). It divides N; 1 otherwise.
   *
   * @param number how many; they divide N
   * @return this, for the next option
   */
  public BatchNormBuilder groups(int number) {
    groups = number;
    return this;
  }

  /**
   * Writes y over x: what x held is lost, and backward recovers xHat from y (Rota Bulo, Porzi and
   * Kontschieder, 2018). |gamma| has to be {@link BatchNormOptions#INVERTIBLE} or more, and so has
   * a tail's slope. No other operation may need the old x: its backward would throw.
   *
   * @return this, for the next option
   */
  public BatchNormBuilder inPlace() {
    inPlace = true;
    return this;
  }

  /**
   * x is this rank's share of a batch, and its statistics are those of all of it: y, and the
   * gradients of x, gamma and beta, have the bits of one call on the shares one after the other,
   * rank 0's first. All ranks make the same call on what they have, an empty batch among it,
   * forward and backward. Goes with neither mask, sampleWeights nor groups, and has no second
   * derivatives.
   *
   * @param communicator between the ranks; or null for a batch that is here
   * @return this, for the next option
   */
  public BatchNormBuilder synchronizedBy(@Nullable Communicator communicator) {
    ranks = communicator;
    return this;
  }

  /** Returns the weight of each position, null for 1: added up once however often it is asked. */
  @Nullable Weights weights() {
    if (weights == null) {
      weights = BatchNormInputs.weights(x, options.layout(), mask, sampleWeights);
    }
    return weights;
  }

  /**
   * {@return W, the sum of the weights of the elements of a channel that statistics are taken over:
   * their number where neither a mask nor weights are set}
   *
   * @throws IllegalArgumentException as {@link #apply}
   */
  public double totalWeight() {
    Weights own = weights();
    if (own != null) {
      return own.total();
    }
    BatchNormShape shape = BatchNormInputs.shape(x, x.dtype(), options.layout());
    return (double) shape.m() / groups;
  }

  /**
   * {@return the mean and the biased variance of each channel of x, with its mask and weights, as
   * constants: of all of it, whatever the number of groups}
   *
   * @throws IllegalArgumentException as {@link #apply}
   */
  public ChannelMoments moments() {
    return ChannelMoments.constants(new BatchNormInputs(x, options.layout(), weights()));
  }

  /**
   * Computes the output.
   *
   * @return y, of x's shape
   * @throws IllegalArgumentException if x has fewer than two axes, another argument's shape does
   *     not fit, groups does not divide N, weights are negative or not finite, or arguments exclude
   *     each other: groups and mask or weights; inPlace and anything but gamma, beta and options
   */
  public Tensor apply() {
    return mean == null ? operation().apply() : given();
  }

  private Tensor given() {
    if (inPlace || groups != 1 || ranks != null) {
      throw new IllegalArgumentException(
          "given: goes with neither inPlace, groups nor synchronizedBy");
    }
    return new BatchNormGiven(new BatchNormInputs(this)).apply();
  }

  /** {@return the operation, to be applied once, for those who need its statistics too} */
  public BatchNormOp operation() {
    if (mean != null) {
      throw new IllegalArgumentException("given: there are no statistics of the batch");
    }
    if (ranks == null) {
      return operation(new BatchNormInputs(this));
    }
    try {
      return operation(new BatchNormInputs(this));
    } catch (IllegalArgumentException e) {
      throw ranks.refusal(e);
    }
  }

  private BatchNormOp operation(BatchNormInputs inputs) {
    if (groups < 1 || inputs.shape().n() % groups != 0) {
      throw new IllegalArgumentException(
          "groups: expected a divisor of N = %s, got %s".formatted(inputs.shape().n(), groups));
    }
    if (groups > 1 && inputs.weights() != null) {
      throw new IllegalArgumentException("groups: goes with neither mask nor sampleWeights");
    }
    if (inPlace && (groups > 1 || z != null || inputs.weights() != null)) {
      throw new IllegalArgumentException(
          "inPlace: goes with neither z, mask, sampleWeights nor groups");
    }
    if (ranks != null && (groups > 1 || inputs.weights() != null)) {
      throw new IllegalArgumentException(
          "synchronizedBy: goes with neither mask, sampleWeights nor groups");
    }
    return new BatchNormOp(inputs, groups, inPlace, ranks);
  }
}
